-- The effect in one round trip: write the transaction, its ranges (which move the units), the log entries and the answer for
-- the idempotency key, all or nothing. What is not as it was decided raises serialization_failure, and the caller decides anew.
-- plan: {"transactions": [{...columns}], "ranges": [[transaction index, origin, first, next, series, recognition, from, to]],
--   "entries": [{...columns}], "answers": [{principal, key, digest, status, body}]}.

-- Its plans are kept as those of registry_facts are.
CREATE FUNCTION registry_effect(plan jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    IF NOT jsonb_path_query_array(plan, '$.transactions[*].id') <@ jsonb_path_query_array(plan, '$.entries[*].subject') THEN
        RAISE EXCEPTION 'every transaction leaves its entry in the log' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    INSERT INTO registry_transaction (id, type_id, state, jurisdiction_id, transferring_id, acquiring_id, quantity, cap_id,
        obligation_id, allocation_id, reverses_id, reason, beneficiary, client_reference, initiator_id, proposed_at, completed_at)
    SELECT t.id, t.type_id, t.state, t.jurisdiction_id, t.transferring_id, t.acquiring_id, t.quantity, t.cap_id,
        t.obligation_id, t.allocation_id, t.reverses_id, t.reason, t.beneficiary, t.client_reference, t.initiator_id,
        t.proposed_at, t.completed_at
    FROM jsonb_to_recordset(plan -> 'transactions') AS t (id uuid, type_id text, state text, jurisdiction_id bigint,
        transferring_id bigint, acquiring_id bigint, quantity bigint, cap_id bigint, obligation_id bigint, allocation_id bigint,
        reverses_id uuid, reason text, beneficiary text, client_reference text, initiator_id bigint, proposed_at timestamptz,
        completed_at timestamptz);
    -- Ranges take effect in the order of the plan: a later one may send on what an earlier one brought.
    INSERT INTO registry_transactionblock (transaction_id, origin_id, first_no, next_no, series_id, recognition_id,
        from_account_id, to_account_id)
    SELECT (plan -> 'transactions' -> (r ->> 0)::integer ->> 'id')::uuid, (r ->> 1)::bigint, (r ->> 2)::bigint,
        (r ->> 3)::bigint, (r ->> 4)::integer, (r ->> 5)::integer, (r ->> 6)::bigint, (r ->> 7)::bigint
    FROM jsonb_array_elements(plan -> 'ranges') r;
    PERFORM registry_record(plan);
END $$;

-- Log entries and answers, alone for a refusal. The entries' ids are taken here, after every lock and read of the decision.
CREATE FUNCTION registry_record(plan jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF coalesce(jsonb_array_length(plan -> 'entries'), 0) = 0 THEN
        RAISE EXCEPTION 'every act leaves an entry in the log' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    INSERT INTO audit_entry (registry, event, part, parts, occurred_at, actor, subject, body)
    SELECT e.registry, e.event, e.part, e.parts, e.occurred_at, e.actor, e.subject, convert_to(e.body, 'UTF8')
    FROM jsonb_to_recordset(plan -> 'entries') AS e (registry text, event text, part integer, parts integer,
        occurred_at timestamptz, actor text, subject text, body text);
    IF jsonb_array_length(plan -> 'answers') > 0 THEN
        INSERT INTO registry_answer (principal, key, digest, status, body)
        SELECT a.principal, a.key, a.digest, a.status, a.body
        FROM jsonb_to_recordset(plan -> 'answers') AS a (principal text, key text, digest text, status smallint, body text);
    END IF;
END $$;
