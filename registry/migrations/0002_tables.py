"""The ledger"s tables, with the constraints that tile the serial space."""

from django.db import migrations

from registry.sql_files import sql


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial")]
    operations = [
        migrations.RunSQL(
            sql("0002_tables.sql"),
            reverse_sql="""
        ALTER TABLE registry_issue DROP CONSTRAINT issue_starts_a_block, DROP CONSTRAINT issue_ends_at_a_block;
        DROP TABLE registry_answer, registry_holding, registry_unitblock, registry_issue, registry_transactionblock,
            registry_transactionstep, registry_transaction, registry_transactiontype, registry_recognition, registry_series,
            registry_unitvalidity CASCADE;
        DROP FUNCTION registry_valid_until;
        ALTER TABLE registry_unittype DROP CONSTRAINT unit_type_has_one_issuer;
    """,
        )
    ]
