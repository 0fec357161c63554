"""Transactions by the time of their completion, in which statements are read."""

from django.db import migrations

from registry.sql_files import sql


class Migration(migrations.Migration):
    dependencies = [("registry", "0011_balances")]
    operations = [
        migrations.RunSQL(sql("0012_completions.sql"), reverse_sql="DROP INDEX completed_transactions;"),
    ]
