"""For Django to read: until when units count, which 0002 makes in SQL."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0016_limits"),
    ]

    operations = [
        migrations.CreateModel(
            name="UnitValidity",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("vintage", models.SmallIntegerField()),
                ("applicable_period", models.TextField()),
                ("valid_until", models.DateTimeField()),
                ("source", models.TextField()),
                ("recorded_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "unit validities",
                "db_table": "registry_unitvalidity",
                "managed": False,
            },
        ),
    ]
