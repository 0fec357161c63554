"""Returns of what was allocated too much, within the recorded excess."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from registry.sql_files import sql


class Migration(migrations.Migration):
    dependencies = [("registry", "0014_turnovers"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.CreateModel(
            name="AllocationExcess",
            fields=[
                (
                    "allocation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="excess",
                        serialize=False,
                        to="registry.allocation",
                    ),
                ),
                ("quantity", models.BigIntegerField(help_text="t CO2e")),
                ("returned", models.BigIntegerField(db_default=0, default=0, editable=False)),
                ("source", models.CharField(max_length=300)),
                ("recorded_at", models.DateTimeField()),
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
                "verbose_name_plural": "allocation excesses",
                "ordering": ["allocation_id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("returned__gte", 0), ("returned__lte", models.F("quantity"))),
                        name="return_is_within_the_excess",
                    )
                ],
            },
        ),
        migrations.RunSQL(
            sql("0015_returns.sql"),
            reverse_sql="DROP FUNCTION registry_return_counts, registry_range_returns_what_was_allocated,"
            " registry_excess_counts_returns CASCADE;",
        ),
    ]
