-- The application appends and reads; id and recorded_at are the database's own. The auditor reads.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'registry_application') THEN
        CREATE ROLE registry_application NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'registry_auditor') THEN
        CREATE ROLE registry_auditor NOLOGIN;
    END IF;
END $$;

GRANT SELECT, INSERT (registry, event, part, parts, occurred_at, actor, subject, body) ON audit_entry TO registry_application;
GRANT SELECT ON audit_entry TO registry_auditor;
-- The last id given is where sealing stops looking.
GRANT SELECT ON SEQUENCE audit_entry_id_seq TO registry_application, registry_auditor;
