"""An account that could be renamed, reopened or deleted would make the history of its units a guess."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql" / "0004_lasting_accounts.sql"
REVERSE = """
DROP TRIGGER users_stay ON accounts_user;
DROP FUNCTION accounts_user_stays();
DROP TRIGGER jurisdiction_keeps_its_code ON accounts_jurisdiction;
DROP FUNCTION accounts_jurisdiction_may_change();
ALTER TABLE accounts_account DROP CONSTRAINT account_status_is_known;
DROP TRIGGER accounts_are_never_emptied ON accounts_account;
DROP TRIGGER account_status_may_change ON accounts_account;
DROP FUNCTION accounts_account_may_change();
DROP FUNCTION accounts_check_digits(text);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_deployment"),
    ]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), REVERSE)]
