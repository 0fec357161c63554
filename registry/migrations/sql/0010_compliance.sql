-- What compliance records may become, and that allocations and surrenders are what their records say.
-- Nobody grants the same twice: see the index allocation_is_granted_once over the ready rows of all tables.

ALTER TABLE registry_transaction
    ADD CONSTRAINT obligation_is_recorded FOREIGN KEY (obligation_id) REFERENCES registry_obligation (id),
    ADD CONSTRAINT allocation_is_recorded FOREIGN KEY (allocation_id) REFERENCES registry_allocation (id);

CREATE TRIGGER emissions_never_change BEFORE UPDATE OR DELETE ON registry_recordedemissions
    FOR EACH ROW EXECUTE FUNCTION registry_never_changes();
CREATE TRIGGER snapshots_never_change BEFORE UPDATE OR DELETE ON registry_statussnapshot
    FOR EACH ROW EXECUTE FUNCTION registry_never_changes();
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['registry_obligation', 'registry_allocationtable', 'registry_allocation',
        'registry_recordedemissions', 'registry_statussnapshot'] LOOP
        EXECUTE format('CREATE TRIGGER never_truncated BEFORE TRUNCATE ON %I EXECUTE FUNCTION registry_never_changes()', name);
    END LOOP;
END $$;

-- A correction is of the same installation and year. That the latest row counts means the same by id, by time and by what
-- corrects what.
CREATE FUNCTION registry_correction_is_of_the_same_year() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM registry_recordedemissions r WHERE r.id = NEW.corrects_id
            AND (r.installation_id, r.year) = (NEW.installation_id, NEW.year)
            AND r.id < NEW.id AND r.recorded_at <= NEW.recorded_at) THEN
        RAISE EXCEPTION 'a correction is of the same installation and year, and comes after what it corrects'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER corrections_are_of_the_same_year BEFORE INSERT ON registry_recordedemissions
    FOR EACH ROW WHEN (NEW.corrects_id IS NOT NULL) EXECUTE FUNCTION registry_correction_is_of_the_same_year();

-- An obligation keeps its installation and year, belongs to the installation's jurisdiction, and keeps its deadline once the
-- status is determined.
CREATE FUNCTION registry_obligation_stays_itself() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'obligations are never deleted' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'UPDATE' AND (NEW.id, NEW.installation_id, NEW.year) <> (OLD.id, OLD.installation_id, OLD.year) THEN
        RAISE EXCEPTION 'an obligation keeps its installation and year' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'UPDATE' AND NEW.due_at <> OLD.due_at AND EXISTS (SELECT FROM registry_statussnapshot s
            WHERE (s.installation_id, s.year) = (NEW.installation_id, NEW.year)) THEN
        RAISE EXCEPTION 'a deadline at which the status was determined stays' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF NOT EXISTS (SELECT FROM accounts_installation i
            WHERE i.id = NEW.installation_id AND i.jurisdiction_id = NEW.jurisdiction_id) THEN
        RAISE EXCEPTION 'an obligation is under its installation''s jurisdiction' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER obligations_stay_themselves BEFORE INSERT OR UPDATE OR DELETE ON registry_obligation
    FOR EACH ROW EXECUTE FUNCTION registry_obligation_stays_itself();

-- A table is loaded, then approved; nothing else about it changes.
CREATE FUNCTION registry_allocation_table_is_approved_once() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'LOADED' THEN
            RAISE EXCEPTION 'an allocation table begins as loaded' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    ELSIF TG_OP = 'DELETE' OR OLD.state <> 'LOADED' OR (to_jsonb(NEW) - 'state' - 'approved_by_id' - 'approved_at')
            <> (to_jsonb(OLD) - 'state' - 'approved_by_id' - 'approved_at') THEN
        RAISE EXCEPTION 'an allocation table is approved once and otherwise stays as it was loaded'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER allocation_tables_are_approved_once BEFORE INSERT OR UPDATE OR DELETE ON registry_allocationtable
    FOR EACH ROW EXECUTE FUNCTION registry_allocation_table_is_approved_once();

-- Its approval makes its rows ready; a row is never rewritten, only withheld or released.
CREATE FUNCTION registry_approval_makes_rows_ready() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE registry_allocation SET state = 'READY' WHERE table_id = NEW.id AND state = 'LOADED';
    RETURN NULL;
END $$;
CREATE TRIGGER approval_makes_rows_ready AFTER UPDATE OF state ON registry_allocationtable
    FOR EACH ROW WHEN (NEW.state = 'APPROVED') EXECUTE FUNCTION registry_approval_makes_rows_ready();

CREATE FUNCTION registry_allocation_stays_as_loaded() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    approved boolean;
BEGIN
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND (to_jsonb(NEW) - 'state') <> (to_jsonb(OLD) - 'state') THEN
        RAISE EXCEPTION 'an allocation is withheld or released, never rewritten' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    -- The table's row is locked, so that nobody approves it while its rows come or change.
    SELECT t.state = 'APPROVED' INTO approved FROM registry_allocationtable t WHERE t.id = NEW.table_id FOR NO KEY UPDATE;
    IF TG_OP = 'INSERT' AND (approved OR NEW.state <> 'LOADED') THEN
        RAISE EXCEPTION 'an approved allocation table gets no more rows, and a row begins as loaded'
            USING ERRCODE = 'integrity_constraint_violation';
    ELSIF NEW.state = (CASE WHEN approved THEN 'LOADED' ELSE 'READY' END) THEN
        RAISE EXCEPTION 'an allocation is ready when its table is approved, and not before'
            USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'UPDATE' AND EXISTS (SELECT FROM registry_transaction x WHERE x.allocation_id = OLD.id) THEN
        RAISE EXCEPTION 'a delivered allocation stays as it is' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER allocations_stay_as_loaded BEFORE INSERT OR UPDATE OR DELETE ON registry_allocation
    FOR EACH ROW EXECUTE FUNCTION registry_allocation_stays_as_loaded();

-- An allocation delivers what its approved row grants, to that installation.
CREATE FUNCTION registry_transaction_is_what_its_record_says() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM registry_allocation r JOIN registry_allocationtable t ON t.id = r.table_id
            JOIN accounts_account a ON a.id = NEW.acquiring_id
            WHERE r.id = NEW.allocation_id AND t.state = 'APPROVED' AND r.state = 'READY' AND r.quantity = NEW.quantity
                AND a.installation_id = r.installation_id
            -- Locked, so that nobody withholds the row while it is delivered.
            FOR SHARE OF r) THEN
        RAISE EXCEPTION 'transaction % is not what allocation % grants', NEW.id, NEW.allocation_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER allocations_are_what_their_records_say AFTER INSERT ON registry_transaction
    FOR EACH ROW WHEN (NEW.allocation_id IS NOT NULL) EXECUTE FUNCTION registry_transaction_is_what_its_record_says();

-- Each range of an allocation goes to the account it names, in the type and vintage granted; each range of a surrender comes
-- from an account of the obligation's installation, in a vintage that counts. Asked where a range takes effect, not at commit:
-- SET CONSTRAINTS could have a deferred question answered before the ranges are there.
CREATE FUNCTION registry_range_fits_its_record(part registry_transactionblock) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    parent registry_transaction;
BEGIN
    SELECT * INTO parent FROM registry_transaction WHERE id = part.transaction_id;
    IF parent.allocation_id IS NOT NULL AND (part.to_account_id <> parent.acquiring_id OR NOT EXISTS (
            SELECT FROM registry_allocation r JOIN registry_series s ON (s.unit_type_id, s.vintage) = (r.unit_type_id, r.vintage)
            WHERE r.id = parent.allocation_id AND s.id = part.series_id)) THEN
        RAISE EXCEPTION 'transaction % is not what allocation % grants', parent.id, parent.allocation_id
            USING ERRCODE = 'integrity_constraint_violation';
    ELSIF parent.obligation_id IS NOT NULL AND NOT EXISTS (SELECT FROM registry_obligation o
            JOIN accounts_account a ON a.id = part.from_account_id AND a.installation_id = o.installation_id
            JOIN registry_series s ON s.id = part.series_id AND s.vintage <= o.eligible_until_vintage
            WHERE o.id = parent.obligation_id) THEN
        RAISE EXCEPTION 'transaction % does not fit obligation %', parent.id, parent.obligation_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
END $$;

REVOKE EXECUTE ON FUNCTION registry_correction_is_of_the_same_year(), registry_obligation_stays_itself(),
    registry_allocation_table_is_approved_once(), registry_approval_makes_rows_ready(), registry_allocation_stays_as_loaded(),
    registry_transaction_is_what_its_record_says(),
    registry_range_fits_its_record(registry_transactionblock) FROM PUBLIC;
GRANT SELECT ON registry_obligation, registry_allocationtable, registry_allocation, registry_recordedemissions,
    registry_statussnapshot TO registry_application, registry_auditor;
GRANT INSERT ON registry_obligation, registry_allocationtable, registry_allocation, registry_recordedemissions,
    registry_statussnapshot TO registry_application;
GRANT UPDATE (opens_at, due_at, closes_at, eligible_until_vintage) ON registry_obligation TO registry_application;
GRANT UPDATE (state, approved_by_id, approved_at) ON registry_allocationtable TO registry_application;
GRANT UPDATE (state) ON registry_allocation TO registry_application;
GRANT USAGE ON SEQUENCE registry_obligation_id_seq, registry_allocationtable_id_seq, registry_allocation_id_seq,
    registry_recordedemissions_id_seq, registry_statussnapshot_id_seq TO registry_application;
