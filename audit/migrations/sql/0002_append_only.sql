-- Append-only for everyone, the owner included: no entry is changed or removed, one by one or all together.
-- The id is always the database's own, one at a time, so that its order is the order in which entries were written.
ALTER TABLE audit_entry ALTER COLUMN id SET GENERATED ALWAYS SET CACHE 1;
ALTER TABLE audit_entry ALTER COLUMN recorded_at SET DEFAULT clock_timestamp();
ALTER TABLE audit_entry ADD CONSTRAINT body_is_at_most_4_kib CHECK (octet_length(body) BETWEEN 2 AND 4096);

CREATE FUNCTION audit_refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'the log is append-only' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER entries_never_change BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER entries_are_never_emptied BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
