"""What the application and the auditor may do with the ledger: read, and call the functions."""

from django.db import migrations

from registry.sql_files import sql


class Migration(migrations.Migration):
    dependencies = [("registry", "0007_transaction_types")]
    operations = [
        migrations.RunSQL(
            sql("0008_grants.sql"),
            reverse_sql="""
        REVOKE ALL ON registry_unittype, registry_issuancecap, registry_series, registry_recognition,
            registry_transactiontype, registry_transaction, registry_transactionblock, registry_issue, registry_unitblock,
            registry_holding, registry_answer FROM registry_application, registry_auditor;
    """,
        )
    ]
