"""The types of account are fixed rows, so that the database itself knows which accounts retire units."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql" / "0002_account_types.sql"
REVERSE = """
ALTER TABLE accounts_account DROP CONSTRAINT installation_is_of_the_same_jurisdiction;
ALTER TABLE accounts_installation DROP CONSTRAINT installation_is_of_one_jurisdiction;
ALTER TABLE accounts_account DROP CONSTRAINT account_retires_as_its_type;
DELETE FROM accounts_accounttype;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), REVERSE)]
