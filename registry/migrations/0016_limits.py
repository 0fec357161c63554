"""For Django to read: limits and what counts against them, which 0004 makes in SQL."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0015_returns")]
    operations = [
        migrations.CreateModel(
            name="Limit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("per_transaction", models.BigIntegerField(null=True)),
                ("per_day", models.BigIntegerField(null=True)),
                ("valid_from", models.DateField()),
                ("valid_to", models.DateField(null=True)),
                ("source", models.TextField()),
            ],
            options={"db_table": "registry_limit", "managed": False},
        ),
        migrations.CreateModel(
            name="DailyUse",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account_id", "day", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.account"
                    ),
                ),
                ("day", models.DateField()),
                ("used", models.BigIntegerField()),
            ],
            options={"db_table": "registry_dailyuse", "managed": False},
        ),
        migrations.CreateModel(
            name="HoldingLimit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("limit", models.BigIntegerField()),
                ("held", models.BigIntegerField()),
                ("pending", models.BigIntegerField()),
            ],
            options={"db_table": "registry_holdinglimit", "managed": False},
        ),
    ]
