"""What each role of the database may do with the tables of people, accounts and the log, written out."""

# Table: what the service may do there beside SELECT; a column list where it is not the whole table.
SERVICE = {
    "accounts_account": {"INSERT"},
    "accounts_accounttype": set(),
    "accounts_apikey": {"INSERT"},
    "accounts_datedrule": {"INSERT"},
    "accounts_deployment": set(),
    "accounts_holder": {"INSERT", "UPDATE"},
    "accounts_installation": {"INSERT", "UPDATE"},
    "accounts_installationoperator": {"INSERT"},
    "accounts_jurisdiction": {"INSERT", "UPDATE"},
    "accounts_representative": {"INSERT"},
    "accounts_user": {"INSERT", "UPDATE"},
    "accounts_user_groups": {"INSERT", "DELETE"},
    "accounts_user_user_permissions": {"INSERT", "DELETE"},
    "accounts_userrole": {"INSERT", "DELETE"},
    "audit_entry": set(),
}
# Columns that may change where the table as a whole may not.
COLUMNS = {
    "accounts_account": {
        "name",
        "status",
        "opened_at",
        "closed_at",
        "one_person_surrender",
        "one_person_trusted_transfer",
        "trusted_only",
    },
    "accounts_apikey": {"name", "revoked_at", "last_used_at"},
    "accounts_datedrule": {"valid_to"},
    "accounts_deployment": {"clock_offset_seconds"},
    "accounts_installationoperator": {"valid_to"},
    "accounts_representative": {"rights", "state"},
}
PRIVILEGES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")


def test_the_service_may_do_what_is_written_here_and_no_more(as_application_role):
    for table, allowed in SERVICE.items():
        found = {
            privilege
            for privilege in PRIVILEGES
            if as_application_role.execute("SELECT has_table_privilege(%s, %s)", [table, privilege]).fetchone()
            == (True,)
        }
        assert found == allowed, table


def test_only_these_columns_change_where_the_table_does_not(as_application_role):
    for table, columns in COLUMNS.items():
        rows = as_application_role.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
            " AND has_column_privilege(%s, attname, 'UPDATE')",
            [table, table],
        )
        assert {name for (name,) in rows} == columns, table


def test_a_log_entry_is_inserted_without_its_id_and_its_time_of_record(as_application_role):
    rows = as_application_role.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'audit_entry'::regclass AND attnum > 0"
        " AND has_column_privilege('audit_entry', attname, 'INSERT')"
    )
    columns = {"registry", "event", "part", "parts", "occurred_at", "actor", "subject", "body"}
    assert {name for (name,) in rows} == columns


def test_no_table_of_people_accounts_or_log_is_forgotten_here(as_application_role):
    rows = as_application_role.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND (relname LIKE 'accounts\\_%' OR relname LIKE 'audit\\_%')"
    )
    assert {name for (name,) in rows} == set(SERVICE)


def test_the_auditor_reads_and_nothing_else_and_no_secrets(as_auditor):
    for table in SERVICE:
        for privilege in PRIVILEGES:
            assert (
                as_auditor.execute("SELECT has_any_column_privilege(%s, %s)", [table, "SELECT"]).fetchone() is not None
            )
            assert as_auditor.execute("SELECT has_table_privilege(%s, %s)", [table, privilege]).fetchone() == (False,)
    for table, column in (("accounts_user", "password"), ("accounts_apikey", "secret_hash")):
        found = as_auditor.execute("SELECT has_column_privilege(%s, %s, 'SELECT')", [table, column]).fetchone()
        assert found == (False,), column
