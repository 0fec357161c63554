"""The service may do what it must with people's tables and no more; roles are left when this is undone."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql" / "0007_grants.sql"
REVERSE = """
REVOKE ALL ON accounts_user, accounts_user_groups, accounts_user_user_permissions, accounts_userrole,
    accounts_apikey, accounts_jurisdiction, accounts_datedrule, accounts_holder, accounts_installation,
    accounts_installationoperator, accounts_accounttype, accounts_account, accounts_representative,
    accounts_deployment, django_session, django_admin_log, auth_group, auth_group_permissions,
    auth_permission, django_content_type, django_migrations
    FROM registry_application, registry_auditor;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_exact_rules"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("sessions", "0001_initial"),
    ]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), REVERSE)]
