"""What accounts had taken in and given out by an instant, so that a statement sums one day and not all before it."""

from django.db import migrations

from registry.sql_files import sql


class Migration(migrations.Migration):
    dependencies = [("registry", "0013_completions")]
    operations = [
        migrations.RunSQL(
            sql("0014_turnovers.sql"),
            reverse_sql="""
        DROP TRIGGER tallies_hold_all_that_completed_before ON registry_transaction;
        DROP FUNCTION registry_tally_is_outdated(), registry_tally_turnovers(timestamptz);
        DROP TABLE registry_turnover, registry_tally;
    """,
        ),
    ]
