"""Users, jurisdictions and their rules, holders, installations, accounts, representatives, trusted accounts."""

from accounts.models.accounts import Account, AccountType, Representative
from accounts.models.calendars import CalendarDay
from accounts.models.deployment import Deployment
from accounts.models.holders import Holder, Installation, InstallationOperator
from accounts.models.jurisdictions import DatedRule, Jurisdiction
from accounts.models.trusted import TrustedAccount
from accounts.models.users import ApiKey, User, UserRole

__all__ = [
    "Account",
    "AccountType",
    "ApiKey",
    "CalendarDay",
    "DatedRule",
    "Deployment",
    "Holder",
    "Installation",
    "InstallationOperator",
    "Jurisdiction",
    "Representative",
    "TrustedAccount",
    "User",
    "UserRole",
]
