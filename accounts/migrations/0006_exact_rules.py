"""A rate or limit kept as a floating number would judge differently than the law it comes from."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql" / "0006_exact_rules.sql"
REVERSE = """
ALTER TABLE accounts_datedrule DROP CONSTRAINT rule_has_no_fractional_number;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_representatives"),
    ]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), REVERSE)]
