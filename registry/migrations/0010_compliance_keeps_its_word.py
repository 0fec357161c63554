"""Compliance records stay as they were made; allocations and surrenders are what their records say."""

from django.db import migrations

from registry.sql_files import sql


class Migration(migrations.Migration):
    dependencies = [("registry", "0009_compliance")]
    operations = [
        migrations.RunSQL(
            sql("0010_compliance.sql"),
            reverse_sql="""
        DROP FUNCTION registry_correction_is_of_the_same_year(), registry_obligation_stays_itself(),
            registry_allocation_table_is_approved_once(), registry_approval_makes_rows_ready(),
            registry_allocation_stays_as_loaded(),
            registry_transaction_is_what_its_record_says(), registry_deadline_is_what_its_rule_says(),
            registry_counted_at(registry_transaction, text), registry_period_of(bigint, integer),
            registry_surrendered_value(bigint, text, timestamptz, integer, integer), registry_surrender_keeps_its_times(),
            registry_status_counts_what_was_in_time(),
            registry_range_fits_its_record(registry_transactionblock) CASCADE;
        DROP TRIGGER never_truncated ON registry_obligation;
        DROP TRIGGER never_truncated ON registry_allocationtable;
        DROP TRIGGER never_truncated ON registry_allocation;
        DROP TRIGGER never_truncated ON registry_recordedemissions;
        DROP TRIGGER never_truncated ON registry_statussnapshot;
        DROP TRIGGER emissions_never_change ON registry_recordedemissions;
        DROP TRIGGER snapshots_never_change ON registry_statussnapshot;
        ALTER TABLE registry_transaction DROP CONSTRAINT obligation_is_recorded, DROP CONSTRAINT allocation_is_recorded;
        REVOKE ALL ON registry_obligation, registry_allocationtable, registry_allocation, registry_recordedemissions,
            registry_statussnapshot FROM registry_application, registry_auditor;
    """,
        )
    ]
