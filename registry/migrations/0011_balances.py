"""Balances with one key, for the administration."""

import django.db.models.deletion
from django.db import migrations, models

from registry.sql_files import sql


class Migration(migrations.Migration):
    dependencies = [("registry", "0010_compliance_keeps_its_word")]
    operations = [
        migrations.RunSQL(sql("0011_balances.sql"), reverse_sql="DROP VIEW registry_balance;"),
        migrations.CreateModel(
            name="Balance",
            fields=[
                ("id", models.TextField(primary_key=True, serialize=False)),
                ("quantity", models.BigIntegerField()),
                ("reserved", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="accounts.account"
                    ),
                ),
                (
                    "recognition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="registry.recognition"
                    ),
                ),
                (
                    "series",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="registry.series"
                    ),
                ),
            ],
            options={"db_table": "registry_balance", "managed": False},
        ),
    ]
