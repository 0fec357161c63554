"""An account is trusted when two of its representatives say so and working days have passed, whoever writes the row."""

from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q

import accounts.texts

SQL = Path(__file__).parent / "sql" / "0010_trusted_accounts.sql"
REVERSE = """
DROP FUNCTION accounts_trusted(bigint, text, timestamptz);
DROP TRIGGER trusted_accounts_are_never_emptied ON accounts_trustedaccount;
DROP TRIGGER trusted_account_may_change ON accounts_trustedaccount;
DROP FUNCTION accounts_trusted_account_may_change();
ALTER TABLE accounts_trustedaccount DROP CONSTRAINT trusted_identifier_has_its_check_digits;
"""


def person(*, null: bool = True) -> models.ForeignKey:
    return models.ForeignKey(
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
        null=null,
        blank=null,
    )


def exactly(states: list[str], *columns: str) -> Q:
    filled = Q(state__in=states, **{f"{column}__isnull": False for column in columns})
    return filled | (~Q(state__in=states) & Q(**{f"{column}__isnull": True for column in columns}))


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_calendar_days"),
    ]

    operations = [
        migrations.CreateModel(
            name="TrustedAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("trusted_identifier", models.TextField()),
                ("note", models.CharField(blank=True, default="", max_length=500)),
                ("state", models.TextField(choices=accounts.texts.trusted_account_state_choices)),
                ("requested_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("active_from", models.DateTimeField(blank=True, null=True)),
                ("removed_at", models.DateTimeField(blank=True, null=True)),
                ("removal_reason", models.CharField(blank=True, default="", max_length=500)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="trusted_accounts",
                        to="accounts.account",
                    ),
                ),
                ("requested_by", person(null=False)),
                ("decided_by", person()),
                ("removed_by", person()),
            ],
            options={
                "ordering": ["account_id", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=["account", "trusted_identifier"],
                        condition=Q(state__in=["REQUESTED", "APPROVED"]),
                        name="account_is_trusted_once",
                    ),
                    models.CheckConstraint(
                        condition=Q(state__in=["REQUESTED", "APPROVED", "REJECTED", "WITHDRAWN", "REMOVED"]),
                        name="trusted_account_state_is_known",
                    ),
                    models.CheckConstraint(
                        condition=~Q(decided_by=F("requested_by")), name="trusted_account_is_approved_by_another"
                    ),
                    models.CheckConstraint(
                        condition=exactly(["APPROVED", "REJECTED", "REMOVED"], "decided_by", "decided_at"),
                        name="decided_trusted_account_says_by_whom_and_when",
                    ),
                    models.CheckConstraint(
                        condition=exactly(["APPROVED", "REMOVED"], "active_from"),
                        name="approved_trusted_account_says_from_when",
                    ),
                    models.CheckConstraint(
                        condition=exactly(["WITHDRAWN", "REMOVED"], "removed_by", "removed_at"),
                        name="ended_trusted_account_says_by_whom_and_when",
                    ),
                    models.CheckConstraint(
                        condition=Q(decided_at__gte=F("requested_at")),
                        name="trusted_account_is_decided_after_its_request",
                    ),
                    models.CheckConstraint(
                        condition=Q(active_from__gte=F("decided_at")),
                        name="trusted_account_is_active_after_its_approval",
                    ),
                    models.CheckConstraint(
                        condition=Q(removed_at__gte=F("requested_at"))
                        & (Q(decided_at__isnull=True) | Q(removed_at__gte=F("decided_at"))),
                        name="trusted_account_ends_after_it_began",
                    ),
                ],
            },
        ),
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), REVERSE),
    ]
