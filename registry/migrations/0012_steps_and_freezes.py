"""For Django to read: the steps of a transaction and the freezes, which 0002 and 0004 make in SQL."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0011_balances")]
    operations = [
        migrations.CreateModel(
            name="TransactionStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("event", models.TextField()),
                ("from_state", models.TextField()),
                ("to_state", models.TextField()),
                ("at", models.DateTimeField()),
                ("reason", models.TextField()),
                ("failures", django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=None)),
                ("due_at", models.DateTimeField(null=True)),
                ("recorded_at", models.DateTimeField()),
            ],
            options={"db_table": "registry_transactionstep", "managed": False},
        ),
        migrations.CreateModel(
            name="Freeze",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("first_no", models.BigIntegerField(null=True)),
                ("next_no", models.BigIntegerField(null=True)),
                ("reason", models.TextField()),
                ("reference", models.TextField()),
                ("review_on", models.DateField()),
                ("frozen_at", models.DateTimeField()),
                ("release_requested_at", models.DateTimeField(null=True)),
                ("release_reason", models.TextField()),
                ("released_at", models.DateTimeField(null=True)),
                ("agreement_id", models.BigIntegerField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
            ],
            options={"db_table": "registry_freeze", "managed": False},
        ),
    ]
