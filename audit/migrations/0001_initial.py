"""The log's table: one row per event."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("registry", models.TextField(help_text="a jurisdiction's code, or empty for the deployment itself")),
                ("event", models.TextField(help_text="a name from audit.events")),
                ("part", models.IntegerField()),
                ("parts", models.IntegerField()),
                ("occurred_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField(editable=False)),
                ("actor", models.TextField()),
                ("subject", models.TextField()),
                ("body", models.BinaryField(help_text="canonical JSON (RFC 8785), at most 4096 bytes")),
            ],
            options={
                "verbose_name_plural": "entries",
                "db_table": "audit_entry",
                "ordering": ["id"],
                "indexes": [models.Index(fields=["subject", "id"], name="entries_about_a_subject")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("part__gte", 1), ("part__lte", models.F("parts"))),
                        name="part_is_one_of_the_parts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("event", ""), _negated=True), name="entry_names_its_event"
                    ),
                ],
            },
        ),
    ]
