"""Unit types and issuance caps; and, for Django to read, the tables that the next migrations make in SQL."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0012_frozen_accounts"),
        ("audit", "0003_grants"),
    ]

    operations = [
        migrations.CreateModel(
            name="Answer",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "principal", "key", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("principal", models.TextField()),
                ("key", models.TextField()),
                ("digest", models.TextField()),
                ("status", models.SmallIntegerField()),
                ("body", models.TextField()),
                ("recorded_at", models.DateTimeField()),
            ],
            options={
                "db_table": "registry_answer",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Holding",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account_id",
                        "series_id",
                        "recognition_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("quantity", models.BigIntegerField()),
                ("reserved", models.BigIntegerField()),
            ],
            options={
                "db_table": "registry_holding",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Issue",
            fields=[
                ("first_no", models.BigIntegerField(primary_key=True, serialize=False)),
                ("next_no", models.BigIntegerField()),
            ],
            options={
                "db_table": "registry_issue",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Recognition",
            fields=[
                ("id", models.IntegerField(primary_key=True, serialize=False)),
                ("rate_numerator", models.BigIntegerField()),
                ("rate_denominator", models.BigIntegerField()),
            ],
            options={
                "db_table": "registry_recognition",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Series",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("vintage", models.SmallIntegerField()),
                ("project", models.TextField(default="")),
                ("period", models.TextField(default="")),
            ],
            options={
                "verbose_name_plural": "series",
                "db_table": "registry_series",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Transaction",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("state", models.TextField()),
                ("quantity", models.BigIntegerField()),
                ("obligation_id", models.BigIntegerField(null=True)),
                ("allocation_id", models.BigIntegerField(null=True)),
                ("reason", models.TextField()),
                ("beneficiary", models.TextField()),
                ("client_reference", models.TextField()),
                ("proposed_at", models.DateTimeField()),
                ("completed_at", models.DateTimeField(null=True)),
                ("recorded_at", models.DateTimeField()),
            ],
            options={
                "db_table": "registry_transaction",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="TransactionBlock",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("first_no", models.BigIntegerField()),
                ("next_no", models.BigIntegerField()),
            ],
            options={
                "db_table": "registry_transactionblock",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="TransactionType",
            fields=[
                ("code", models.TextField(primary_key=True, serialize=False)),
                ("effect", models.TextField()),
                (
                    "from_types",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None),
                ),
                (
                    "to_types",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None),
                ),
                ("within_one_registry", models.BooleanField()),
                ("needs_obligation", models.BooleanField()),
                ("needs_allocation", models.BooleanField()),
                ("needs_original", models.BooleanField()),
            ],
            options={
                "db_table": "registry_transactiontype",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="UnitBlock",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("start_no", models.BigIntegerField()),
                ("end_no", models.BigIntegerField(null=True)),
                ("issue_first", models.BigIntegerField(null=True)),
                ("issue_next", models.BigIntegerField(null=True)),
                ("retired", models.BooleanField(null=True)),
                ("frozen_by", models.BigIntegerField(null=True)),
            ],
            options={
                "db_table": "registry_unitblock",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="UnitType",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("code", models.CharField(max_length=10)),
                (
                    "kind",
                    models.CharField(
                        choices=[("allowance", "Allowance"), ("credit", "Credit"), ("offset", "Offset")],
                        max_length=10,
                    ),
                ),
                (
                    "jurisdiction",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="unit_types",
                        to="accounts.jurisdiction",
                    ),
                ),
            ],
            options={
                "ordering": ["jurisdiction_id", "code"],
            },
        ),
        migrations.CreateModel(
            name="IssuanceCap",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("vintage", models.SmallIntegerField()),
                ("limit", models.BigIntegerField(help_text="t CO2e")),
                ("issued", models.BigIntegerField(default=0, editable=False, help_text="t CO2e")),
                ("valid_from", models.DateField()),
                ("valid_to", models.DateField(blank=True, null=True)),
                ("source", models.TextField()),
                (
                    "unit_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="caps",
                        to="registry.unittype",
                    ),
                ),
            ],
            options={
                "ordering": ["unit_type_id", "vintage", "valid_from", "id"],
            },
        ),
        migrations.AddConstraint(
            model_name="unittype",
            constraint=models.UniqueConstraint(fields=("jurisdiction", "code"), name="unit_type_is_named_once"),
        ),
        migrations.AddConstraint(
            model_name="unittype",
            constraint=models.CheckConstraint(
                condition=models.Q(("code__regex", "^[A-Z][A-Z0-9]{1,9}$")), name="unit_type_code_is_plain"
            ),
        ),
        migrations.AddConstraint(
            model_name="unittype",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["allowance", "credit", "offset"])), name="unit_kind_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="issuancecap",
            constraint=models.CheckConstraint(
                condition=models.Q(("issued__gte", 0), ("issued__lte", models.F("limit"))),
                name="issued_within_the_cap",
            ),
        ),
        migrations.AddConstraint(
            model_name="issuancecap",
            constraint=models.CheckConstraint(
                condition=models.Q(("valid_from__lt", models.F("valid_to"))), name="cap_is_valid_for_a_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="issuancecap",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[
                    ("unit_type", "="),
                    ("vintage", "="),
                    (
                        models.Func(
                            "valid_from",
                            "valid_to",
                            function="daterange",
                            output_field=django.contrib.postgres.fields.ranges.DateRangeField(),
                        ),
                        "&&",
                    ),
                ],
                name="one_cap_at_a_time",
            ),
        ),
    ]
