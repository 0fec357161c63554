"""What an account's holder chose, with the safer choice where nothing was chosen."""

from django.db import migrations, models

OPTIONS = "one_person_surrender, one_person_trusted_transfer, trusted_only"


def option(name: str) -> migrations.AddField:
    return migrations.AddField("account", name, models.BooleanField(default=False, db_default=False))


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_trusted_accounts"),
    ]

    operations = [
        option("one_person_surrender"),
        option("one_person_trusted_transfer"),
        option("trusted_only"),
        # The trigger account_status_may_change names what an account keeps for ever; these are not among it.
        migrations.RunSQL(
            f"GRANT UPDATE ({OPTIONS}) ON accounts_account TO registry_application;",
            f"REVOKE UPDATE ({OPTIONS}) ON accounts_account FROM registry_application;",
        ),
    ]
