"""Cover-the-excess: bases by year, applications for excess credits, and what PostgreSQL asks of them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from registry.sql_files import sql


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0012_frozen_accounts"),
        ("registry", "0017_unit_validity"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ExcessApplication",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("first_year", models.SmallIntegerField()),
                ("last_year", models.SmallIntegerField()),
                ("through_year", models.SmallIntegerField()),
                ("issuable", models.BigIntegerField(help_text="t CO2e")),
                ("source", models.CharField(max_length=300)),
                ("applied_at", models.DateTimeField()),
                (
                    "allocation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="excess_application",
                        to="registry.allocation",
                    ),
                ),
                (
                    "applied_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "installation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="excess_applications",
                        to="accounts.installation",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("first_year__lt", models.F("through_year")), ("through_year__lte", models.F("last_year"))
                        ),
                        name="excess_is_from_the_second_year",
                    ),
                    models.CheckConstraint(condition=models.Q(("issuable__gt", 0)), name="something_is_issuable"),
                ],
            },
        ),
        migrations.CreateModel(
            name="RecordedBase",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("year", models.SmallIntegerField(help_text="The calendar year in which the fiscal year begins.")),
                ("base", models.BigIntegerField(help_text="t CO2e")),
                ("factor_numerator", models.IntegerField()),
                ("factor_denominator", models.IntegerField()),
                ("source", models.CharField(max_length=300)),
                ("recorded_at", models.DateTimeField()),
                (
                    "corrects",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="corrected_by",
                        to="registry.recordedbase",
                    ),
                ),
                (
                    "installation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="recorded_bases",
                        to="accounts.installation",
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["installation_id", "year", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("corrects__isnull", True)),
                        fields=("installation", "year"),
                        name="bases_are_corrected_not_overwritten",
                    ),
                    models.CheckConstraint(condition=models.Q(("year__range", (1990, 2200))), name="base_is_of_a_year"),
                    models.CheckConstraint(
                        condition=models.Q(("base__gte", 0), ("base__lt", 1000000000000000)),
                        name="base_is_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("factor_denominator__gte", 1),
                            ("factor_denominator__lte", 1000000),
                            ("factor_numerator__gte", 0),
                            ("factor_numerator__lte", models.F("factor_denominator")),
                        ),
                        name="factor_is_a_share",
                    ),
                ],
            },
        ),
        migrations.RunSQL(
            sql("0018_periods.sql"),
            reverse_sql="DROP INDEX recognised_ranges;"
            " REVOKE EXECUTE ON FUNCTION registry_period_of FROM registry_application;"
            " DROP FUNCTION registry_base_correction_is_of_the_same_year, registry_application_fits_its_allocation,"
            " registry_excess_entitled, registry_excess_granted, registry_excess_is_issuable, registry_obligation_is_of_a_period"
            " CASCADE;",
        ),
    ]
