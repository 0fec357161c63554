"""Transactions by the time of their completion, in which statements are read."""

from django.db import migrations

from registry.sql_files import sql


class Migration(migrations.Migration):
    dependencies = [("registry", "0012_steps_and_freezes")]
    operations = [
        migrations.RunSQL(sql("0013_completions.sql"), reverse_sql="DROP INDEX completed_transactions;"),
    ]
