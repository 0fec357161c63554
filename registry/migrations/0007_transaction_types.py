"""The types of transaction, as the database"s triggers know them."""

from django.db import migrations

from registry.sql_files import sql


class Migration(migrations.Migration):
    dependencies = [("registry", "0006_effect")]
    operations = [
        migrations.RunSQL(
            sql("0007_transaction_types.sql"),
            reverse_sql="""
        DELETE FROM registry_transactiontype;
    """,
        )
    ]
