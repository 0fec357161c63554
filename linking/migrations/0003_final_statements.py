"""Final statements of corridors that have ended, and the finding of what waits under terms that have ended."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).parent / "sql" / "0003_final_statements.sql"


class Migration(migrations.Migration):
    dependencies = [("linking", "0002_models")]
    operations = [
        migrations.RunSQL(SQL.read_text(encoding="utf-8")),
        migrations.CreateModel(
            name="FinalStatement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("content", models.JSONField()),
                ("made_at", models.DateTimeField()),
            ],
            options={"db_table": "linking_finalstatement", "ordering": ["id"], "managed": False},
        ),
    ]
