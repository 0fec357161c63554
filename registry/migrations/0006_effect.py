"""One function that applies a decision: transaction, ranges, log entries and answer."""

from django.db import migrations

from registry.sql_files import sql


class Migration(migrations.Migration):
    dependencies = [("registry", "0005_facts")]
    operations = [
        migrations.RunSQL(
            sql("0006_effect.sql"),
            reverse_sql="""
        DROP FUNCTION registry_effect, registry_record, registry_proceed, registry_freeze_or_release, registry_keep_answer;
    """,
        )
    ]
