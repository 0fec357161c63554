"""Days of a jurisdiction's calendar, recorded over what is said of public holidays and never changed."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

import accounts.texts

SQL = Path(__file__).parent / "sql" / "0009_calendar_days.sql"
REVERSE = """
DROP TRIGGER calendar_days_are_recorded_in_order ON accounts_calendarday;
DROP TRIGGER calendar_days_are_never_emptied ON accounts_calendarday;
DROP TRIGGER calendar_days_never_change ON accounts_calendarday;
DROP FUNCTION accounts_calendar_days_are_recorded_in_order();
DROP FUNCTION accounts_refuse_change_of_a_day();
REVOKE ALL ON accounts_calendarday FROM registry_application, registry_auditor;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_keys"),
    ]

    operations = [
        migrations.CreateModel(
            name="CalendarDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("recorded_at", models.DateTimeField()),
                ("is_working", models.BooleanField()),
                ("name", models.CharField(max_length=200)),
                ("confidence", models.CharField(choices=accounts.texts.confidence_choices, max_length=2)),
                ("source", models.TextField()),
                (
                    "jurisdiction",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="calendar_days",
                        to="accounts.jurisdiction",
                    ),
                ),
            ],
            options={
                "ordering": ["jurisdiction_id", "day", "recorded_at"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("jurisdiction", "day", "recorded_at"), name="one_record_of_a_day_at_a_time"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("confidence__in", ["V", "D", "RH", "RM", "RL"])),
                        name="confidence_of_a_day_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("name", ""), _negated=True), models.Q(("source", ""), _negated=True)
                        ),
                        name="calendar_day_names_itself_and_its_source",
                    ),
                ],
            },
        ),
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), REVERSE),
    ]
