"""What may happen to a unit block: cut, merge, change hands by a transaction; balances follow."""

from django.db import migrations

from registry.sql_files import sql


class Migration(migrations.Migration):
    dependencies = [("registry", "0002_tables")]
    operations = [
        migrations.RunSQL(
            sql("0003_blocks.sql"),
            reverse_sql="""
        DROP TRIGGER never_truncated ON registry_transaction;
        DROP TRIGGER caps_count_issues ON registry_issuancecap;
        DROP FUNCTION registry_block_may_change, registry_block_has_changed, registry_balances_follow_blocks,
            registry_never_changes, registry_issue_counts_under_its_cap, registry_cap_counts_issues CASCADE;
    """,
        )
    ]
