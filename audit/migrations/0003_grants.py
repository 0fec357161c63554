"""The service may append to the log and read it, nothing else; roles are left when this is undone."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql" / "0003_grants.sql"
REVERSE = """
REVOKE ALL ON audit_entry FROM registry_application, registry_auditor;
REVOKE ALL ON SEQUENCE audit_entry_id_seq FROM registry_application, registry_auditor;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0002_append_only"),
    ]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), REVERSE)]
