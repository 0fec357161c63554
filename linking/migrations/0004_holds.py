"""Theft across a link: what a freeze holds in the other registry, the notice of it, and what becomes of stolen units."""

from pathlib import Path

from django.db import migrations, models

SQL = (Path(__file__).parent / "sql" / "0004_holds.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("linking", "0003_final_statements")]
    operations = [
        migrations.RunSQL(SQL),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("document", models.TextField()),
                ("digest", models.TextField()),
                ("given_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
            ],
            options={"db_table": "linking_notice", "ordering": ["-id"], "managed": False},
        ),
        migrations.CreateModel(
            name="TheftCase",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("acquired_for_value", models.BooleanField()),
                ("evidence", models.TextField()),
                ("outcome", models.TextField(choices=[("keep", "keep"), ("return", "return")])),
                ("reference", models.TextField()),
                ("proposed_at", models.DateTimeField()),
                ("withdrawn_at", models.DateTimeField(null=True)),
                ("decided_at", models.DateTimeField(null=True)),
                ("transaction_id", models.UUIDField(null=True)),
            ],
            options={"db_table": "linking_theftcase", "ordering": ["-id"], "managed": False},
        ),
    ]
