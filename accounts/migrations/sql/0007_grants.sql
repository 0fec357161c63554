-- What the roles may do, table by table. Nothing here is deleted but sessions, roles withdrawn and memberships; keys, accounts,
-- nominations and rules change only in the columns named. Identity columns need no right on their sequences.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'registry_application') THEN
        CREATE ROLE registry_application NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'registry_auditor') THEN
        CREATE ROLE registry_auditor NOLOGIN;
    END IF;
END $$;

GRANT SELECT, INSERT, UPDATE ON accounts_user, accounts_jurisdiction, accounts_holder, accounts_installation
    TO registry_application;
GRANT SELECT, INSERT, DELETE ON accounts_user_groups, accounts_user_user_permissions, accounts_userrole TO registry_application;
GRANT SELECT, INSERT, UPDATE (name, revoked_at, last_used_at) ON accounts_apikey TO registry_application;
GRANT SELECT, INSERT, UPDATE (name, status, opened_at, closed_at) ON accounts_account TO registry_application;
GRANT SELECT, INSERT, UPDATE (rights, state) ON accounts_representative TO registry_application;
GRANT SELECT, INSERT, UPDATE (valid_to) ON accounts_datedrule, accounts_installationoperator TO registry_application;
GRANT SELECT, UPDATE (clock_offset_seconds) ON accounts_deployment TO registry_application;
GRANT SELECT ON accounts_accounttype TO registry_application;

-- Django's own tables: the admin site signs people in, writes its log and edits groups.
GRANT SELECT, INSERT, UPDATE, DELETE ON django_session TO registry_application;
GRANT SELECT, INSERT ON django_admin_log TO registry_application;
GRANT SELECT, INSERT, UPDATE ON auth_group TO registry_application;
GRANT SELECT, INSERT, DELETE ON auth_group_permissions TO registry_application;
GRANT SELECT ON auth_permission, django_content_type, django_migrations TO registry_application;

-- Auditors read everything but what authenticates.
GRANT SELECT ON accounts_jurisdiction, accounts_datedrule, accounts_holder, accounts_installation, accounts_installationoperator,
    accounts_accounttype, accounts_account, accounts_representative, accounts_userrole, accounts_deployment,
    accounts_user_groups, accounts_user_user_permissions, auth_group, auth_group_permissions, auth_permission,
    django_admin_log, django_content_type, django_migrations TO registry_auditor;
GRANT SELECT (id, username, first_name, last_name, email, language, is_active, is_staff, is_superuser, last_login, date_joined)
    ON accounts_user TO registry_auditor;
GRANT SELECT (id, user_id, name, prefix, scopes, created_at, expires_at, revoked_at, last_used_at)
    ON accounts_apikey TO registry_auditor;
