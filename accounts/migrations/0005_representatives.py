"""Who could act for an account on a day must stay answerable, so nominations are never rewritten."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql" / "0005_representatives.sql"
REVERSE = """
DROP TRIGGER representative_may_change ON accounts_representative;
DROP FUNCTION accounts_representative_may_change();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_lasting_accounts"),
    ]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), REVERSE)]
