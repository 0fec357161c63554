"""The link: corridors, what is signed about them, quotas, and what crosses, as PostgreSQL judges it."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"
FILES = ("0001_tables.sql", "0001_signing.sql", "0001_crossing.sql", "0001_facts.sql")


class Migration(migrations.Migration):
    dependencies = [("registry", "0018_periods")]
    operations = [migrations.RunSQL("".join((SQL / name).read_text(encoding="utf-8") for name in FILES))]
