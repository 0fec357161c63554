"""One function that locks, reads and selects: everything that the checks need."""

from django.db import migrations

from registry.sql_files import sql


class Migration(migrations.Migration):
    dependencies = [("registry", "0004_transactions")]
    operations = [
        migrations.RunSQL(
            sql("0005_facts.sql"),
            reverse_sql="""
        DROP FUNCTION registry_waiting, registry_facts, registry_named, registry_draw, registry_best_fit, registry_series_of,
            registry_open_serial_space, registry_merge_neighbours;
    """,
        )
    ]
