"""Looks up what a person reads by its code. Rules and operations return codes; only the edges call this."""

from collections.abc import Iterable

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from accounts.rules.access import Role
from accounts.rules.representatives import RepresentativeState, Rights
from accounts.rules.statuses import AccountStatus
from accounts.rules.trusted import TrustedAccountState

Choices = list[tuple[str, str | Promise]]


def text(code: str, **params: str | int) -> str:
    """Return the text of a code in the active language, its `{name}` places filled."""
    return gettext(code).format(**params) if params else gettext(code)


def account_type_text(type_code: str, jurisdiction: str = "") -> str:
    """Return an account type's name: the jurisdiction's own (`account-type.OHA.JP-13`) where it has one."""
    code = f"account-type.{type_code}.{jurisdiction}"
    found = gettext(code)
    return found if found != code else gettext(f"account-type.{type_code}")


def _choices(prefix: str, values: Iterable[str]) -> Choices:
    return [(str(value), gettext_lazy(f"{prefix}.{value}")) for value in values]


def account_status_choices() -> Choices:
    """Return the statuses of an account with their names."""
    return _choices("account-status", AccountStatus)


def rights_choices() -> Choices:
    """Return the rights of a representative with their names."""
    return _choices("rights", Rights)


def representative_state_choices() -> Choices:
    """Return the states of a nomination with their names."""
    return _choices("representative-state", RepresentativeState)


def trusted_account_state_choices() -> Choices:
    """Return the states of an addition to a list of trusted accounts with their names."""
    return _choices("trusted-account-state", TrustedAccountState)


def role_choices() -> Choices:
    """Return the roles of users with their names."""
    return _choices("role", Role)


def holder_kind_choices() -> Choices:
    """Return the kinds of account holder with their names."""
    return _choices("holder-kind", ("organisation", "person", "authority"))


def confidence_choices() -> Choices:
    """Return the confidence marks of a fact with their meanings."""
    return _choices("confidence", ("V", "D", "RH", "RM", "RL"))
