-- The application reads the ledger and writes it through the functions only.
GRANT SELECT ON registry_unittype, registry_issuancecap, registry_series, registry_recognition, registry_transactiontype,
    registry_transaction, registry_transactionstep, registry_freeze,
    registry_transactionblock, registry_issue, registry_unitblock, registry_holding, registry_answer
    TO registry_application, registry_auditor;
-- Administrators enter unit types and caps; what is issued under a cap is not theirs to write, and a type stays what it is.
GRANT SELECT ON registry_unitvalidity TO registry_application, registry_auditor;
GRANT INSERT (unit_type_id, vintage, applicable_period, valid_until, source) ON registry_unitvalidity TO registry_application;
GRANT INSERT ON registry_unittype TO registry_application;
GRANT INSERT (unit_type_id, vintage, "limit", valid_from, valid_to, source, issued) ON registry_issuancecap TO registry_application;
GRANT UPDATE ("limit", valid_from, valid_to, source) ON registry_issuancecap TO registry_application;
GRANT USAGE ON SEQUENCE registry_unittype_id_seq, registry_issuancecap_id_seq TO registry_application;

DO $$
DECLARE
    name regprocedure;
BEGIN
    FOR name IN SELECT oid::regprocedure FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'registry\_%' LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', name);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION registry_facts(jsonb, boolean), registry_effect(jsonb), registry_record(jsonb), registry_proceed(jsonb),
    registry_waiting(jsonb), registry_keep_answer(jsonb), registry_freeze_or_release(jsonb),
    registry_series_of(bigint, text, text), registry_open_serial_space(bigint), registry_merge_neighbours(bigint)
    TO registry_application;
