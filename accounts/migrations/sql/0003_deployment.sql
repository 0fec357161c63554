-- The mode is fixed when the deployment is made and the clock never goes back, whoever asks (domain.md section 9).
CREATE FUNCTION accounts_deployment_may_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'the deployment is never removed' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF NEW.mode <> OLD.mode THEN
        RAISE EXCEPTION 'the mode of a deployment never changes' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF NEW.clock_offset_seconds < OLD.clock_offset_seconds THEN
        RAISE EXCEPTION 'the clock never goes back' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER deployment_lasts BEFORE UPDATE OR DELETE ON accounts_deployment
    FOR EACH ROW EXECUTE FUNCTION accounts_deployment_may_change();
CREATE TRIGGER deployment_is_never_emptied BEFORE TRUNCATE ON accounts_deployment
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_deployment_may_change();
