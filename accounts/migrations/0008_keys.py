"""Authentication is one call with a kept plan; planning it anew took longer than reading it."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql" / "0008_keys.sql"


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_grants"),
    ]

    operations = [
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), "DROP FUNCTION accounts_key_with_its_user(text, text);")
    ]
