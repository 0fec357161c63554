-- What is granted is granted once; a correction comes after what it corrects; a deadline that has passed stays where it was.

-- Rows begin as loaded and become ready with their table's approval, so that one index over the ready rows of all tables
-- finds what two approved tables grant twice.
CREATE OR REPLACE FUNCTION registry_allocation_stays_as_loaded() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    table_state text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'allocations are never deleted' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    -- The table's row is locked, so that nobody approves it while rows still come or change.
    SELECT t.state INTO table_state FROM registry_allocationtable t WHERE t.id = NEW.table_id FOR NO KEY UPDATE;
    IF TG_OP = 'INSERT' THEN
        IF table_state <> 'LOADED' OR NEW.state <> 'LOADED' THEN
            RAISE EXCEPTION 'an allocation begins as loaded, in a table that is not approved yet'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    ELSIF (to_jsonb(NEW) - 'state') <> (to_jsonb(OLD) - 'state') THEN
        RAISE EXCEPTION 'an allocation is withheld or released, never rewritten' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF NEW.state = 'READY' AND table_state <> 'APPROVED' OR NEW.state = 'LOADED' AND table_state = 'APPROVED' THEN
        RAISE EXCEPTION 'an allocation is ready when its table is approved, and not before'
            USING ERRCODE = 'integrity_constraint_violation';
    ELSIF EXISTS (SELECT FROM registry_transaction x WHERE x.allocation_id = OLD.id) THEN
        RAISE EXCEPTION 'a delivered allocation stays as it is' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION registry_approval_makes_rows_ready() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE registry_allocation SET state = 'READY' WHERE table_id = NEW.id AND state = 'LOADED';
    RETURN NULL;
END $$;
CREATE TRIGGER approval_makes_rows_ready AFTER UPDATE OF state ON registry_allocationtable
    FOR EACH ROW WHEN (NEW.state = 'APPROVED') EXECUTE FUNCTION registry_approval_makes_rows_ready();

-- "The latest row counts" must mean the same by id, by time and by what corrects what.
CREATE OR REPLACE FUNCTION registry_correction_is_of_the_same_year() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM registry_recordedemissions r WHERE r.id = NEW.corrects_id
            AND (r.installation_id, r.year) = (NEW.installation_id, NEW.year)
            AND r.id < NEW.id AND r.recorded_at <= NEW.recorded_at) THEN
        RAISE EXCEPTION 'a correction is of the same installation and year, and comes after what it corrects'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION registry_past_deadline_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM registry_statussnapshot s WHERE (s.installation_id, s.year) = (OLD.installation_id, OLD.year)) THEN
        RAISE EXCEPTION 'the status for % is determined; its deadline stays', OLD.year
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER past_deadlines_stay BEFORE UPDATE OF due_at ON registry_obligation
    FOR EACH ROW WHEN (NEW.due_at <> OLD.due_at) EXECUTE FUNCTION registry_past_deadline_stays();

REVOKE EXECUTE ON FUNCTION registry_approval_makes_rows_ready(), registry_past_deadline_stays() FROM PUBLIC;
