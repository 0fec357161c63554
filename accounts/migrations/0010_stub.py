"""Stub until merge."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_keys")]
    operations = [
        migrations.AddField("account", "one_person_surrender", models.BooleanField(default=False, db_default=False)),
        migrations.AddField(
            "account", "one_person_trusted_transfer", models.BooleanField(default=False, db_default=False)
        ),
        migrations.AddField("account", "trusted_only", models.BooleanField(default=False, db_default=False)),
        migrations.RunSQL(
            """CREATE FUNCTION accounts_trusted(account bigint, other text, at timestamptz) RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
        SELECT EXISTS (SELECT FROM accounts_account f JOIN accounts_account a ON a.holder_id = f.holder_id WHERE f.id = account AND a.identifier = other) $$;
        REVOKE EXECUTE ON FUNCTION accounts_trusted FROM PUBLIC; GRANT EXECUTE ON FUNCTION accounts_trusted TO registry_application;
        GRANT UPDATE (one_person_surrender, one_person_trusted_transfer, trusted_only) ON accounts_account TO registry_application;""",
            "DROP FUNCTION accounts_trusted",
        ),
    ]
