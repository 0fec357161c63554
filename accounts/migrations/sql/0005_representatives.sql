-- A nomination names one user for one account for ever, and its states follow each other as
-- accounts/rules/representatives.py says; a test compares.
CREATE FUNCTION accounts_representative_may_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'representatives are removed, never deleted' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF (NEW.id, NEW.account_id, NEW.user_id) <> (OLD.id, OLD.account_id, OLD.user_id) THEN
        RAISE EXCEPTION 'a nomination keeps its account and user' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF NEW.state <> OLD.state AND NOT (CASE OLD.state
        WHEN 'REQUESTED' THEN NEW.state IN ('ACTIVE', 'REJECTED')
        WHEN 'ACTIVE' THEN NEW.state IN ('SUSPENDED', 'REMOVED')
        WHEN 'SUSPENDED' THEN NEW.state IN ('ACTIVE', 'REMOVED')
        ELSE false
    END) THEN
        RAISE EXCEPTION 'a representative does not go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER representative_may_change BEFORE UPDATE OR DELETE ON accounts_representative
    FOR EACH ROW EXECUTE FUNCTION accounts_representative_may_change();
