"""Forms of the administration of links are carried out once: the key of each that was, stored with its effect."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).parent / "sql" / "0005_sent_forms.sql"


class Migration(migrations.Migration):
    dependencies = [("linking", "0004_holds")]
    operations = [
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), "DROP TABLE linking_sentform"),
        migrations.CreateModel(
            name="SentForm",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "user_id", "key", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("key", models.UUIDField()),
                ("digest", models.TextField()),
                ("made", models.BigIntegerField()),
                ("at", models.DateTimeField()),
            ],
            options={"db_table": "linking_sentform", "managed": False},
        ),
    ]
