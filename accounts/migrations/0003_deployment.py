"""A deployment has one mode for ever: the one its settings name at this moment; triggers keep it."""

from pathlib import Path

from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SQL = Path(__file__).parent / "sql" / "0003_deployment.sql"
REVERSE = """
DROP TRIGGER deployment_is_never_emptied ON accounts_deployment;
DROP TRIGGER deployment_lasts ON accounts_deployment;
DROP FUNCTION accounts_deployment_may_change();
"""


def make_deployment(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    deployments = apps.get_model("accounts", "Deployment").objects.using(schema_editor.connection.alias)
    deployments.create(id=1, mode=settings.REGISTRY_MODE)


def remove_deployment(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("accounts", "Deployment").objects.using(schema_editor.connection.alias).all().delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_account_types"),
    ]

    operations = [
        migrations.RunPython(make_deployment, remove_deployment),
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), REVERSE),
    ]
