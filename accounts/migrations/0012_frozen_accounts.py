"""Accounts may be frozen: the mark of a freeze, which `registry` records and releases."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0011_account_options")]
    operations = [
        migrations.AddField("account", "frozen", models.BooleanField(default=False, db_default=False, editable=False)),
    ]
