"""Who acts: the person or process named in every operation and log entry, with the roles held just then."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Roles of domain.md section 1. Representatives hold rights per account instead."""

    SYSTEM_ADMINISTRATOR = "system-administrator"
    SENIOR_REGISTRY_ADMINISTRATOR = "senior-registry-administrator"
    JUNIOR_REGISTRY_ADMINISTRATOR = "junior-registry-administrator"
    COMPLIANCE_AUTHORITY = "compliance-authority"
    VERIFIER = "verifier"
    AUDITOR = "auditor"


class Act(StrEnum):
    """Privileged acts upon accounts and the deployment."""

    SET_UP_JURISDICTION = "set-up-jurisdiction"
    SET_RULE = "set-rule"
    OPEN_ACCOUNT = "open-account"
    CHANGE_ACCOUNT_STATUS = "change-account-status"
    NOMINATE_REPRESENTATIVE = "nominate-representative"
    DECIDE_REPRESENTATIVE = "decide-representative"
    SET_ACCOUNT_OPTIONS = "set-account-options"
    REQUEST_TRUSTED_ACCOUNT = "request-trusted-account"
    DECIDE_TRUSTED_ACCOUNT = "decide-trusted-account"
    REMOVE_TRUSTED_ACCOUNT = "remove-trusted-account"
    CHANGE_OPERATOR = "change-operator"
    MANAGE_API_KEYS = "manage-api-keys"
    MOVE_CLOCK = "move-clock"
    SET_CAP = "set-cap"
    SET_LIMIT = "set-limit"
    SET_HOLDING_LIMITS = "set-holding-limits"
    LOAD_ALLOCATION_TABLE = "load-allocation-table"
    APPROVE_ALLOCATION_TABLE = "approve-allocation-table"
    APPROVE_EXCESS_CREDITS = "approve-excess-credits"
    RUN_ALLOCATION = "run-allocation"
    RECORD_OBLIGATION = "record-obligation"
    RECORD_EMISSIONS = "record-emissions"
    FREEZE = "freeze"
    REQUEST_RELEASE = "request-release"
    RELEASE = "release"
    READ_EVERY_ACCOUNT = "read-every-account"
    OPEN_LINK = "open-link"
    PROPOSE_INSTRUMENT = "propose-instrument"
    SIGN_INSTRUMENT = "sign-instrument"
    SUSPEND_CORRIDOR = "suspend-corridor"
    TICK_CONDITION = "tick-condition"


_REGISTRY_ADMINISTRATORS = frozenset({Role.SENIOR_REGISTRY_ADMINISTRATOR, Role.JUNIOR_REGISTRY_ADMINISTRATOR})
_SYSTEM_ADMINISTRATOR = frozenset({Role.SYSTEM_ADMINISTRATOR})

# The one table right x act: which roles, held in the jurisdiction concerned, permit it. Users manage their own keys too.
PERMITTED: Mapping[Act, frozenset[Role]] = {
    Act.SET_UP_JURISDICTION: _SYSTEM_ADMINISTRATOR,
    Act.SET_RULE: frozenset({Role.SENIOR_REGISTRY_ADMINISTRATOR, Role.COMPLIANCE_AUTHORITY}),
    Act.OPEN_ACCOUNT: _REGISTRY_ADMINISTRATORS,
    Act.CHANGE_ACCOUNT_STATUS: _REGISTRY_ADMINISTRATORS,
    Act.NOMINATE_REPRESENTATIVE: _REGISTRY_ADMINISTRATORS,
    Act.DECIDE_REPRESENTATIVE: frozenset({Role.SENIOR_REGISTRY_ADMINISTRATOR}),
    Act.SET_ACCOUNT_OPTIONS: _REGISTRY_ADMINISTRATORS,
    # Representatives do this by their right; these roles act for administrative accounts, and remove by order.
    Act.REQUEST_TRUSTED_ACCOUNT: _REGISTRY_ADMINISTRATORS,
    Act.DECIDE_TRUSTED_ACCOUNT: frozenset({Role.SENIOR_REGISTRY_ADMINISTRATOR}),
    Act.REMOVE_TRUSTED_ACCOUNT: _REGISTRY_ADMINISTRATORS,
    Act.CHANGE_OPERATOR: _REGISTRY_ADMINISTRATORS | {Role.COMPLIANCE_AUTHORITY},
    Act.MANAGE_API_KEYS: _SYSTEM_ADMINISTRATOR,
    Act.MOVE_CLOCK: _SYSTEM_ADMINISTRATOR | {Role.SENIOR_REGISTRY_ADMINISTRATOR},
    Act.SET_CAP: frozenset({Role.SENIOR_REGISTRY_ADMINISTRATOR, Role.COMPLIANCE_AUTHORITY}),
    Act.SET_LIMIT: frozenset({Role.SENIOR_REGISTRY_ADMINISTRATOR}),
    Act.SET_HOLDING_LIMITS: frozenset({Role.SENIOR_REGISTRY_ADMINISTRATOR}),
    Act.LOAD_ALLOCATION_TABLE: _REGISTRY_ADMINISTRATORS | {Role.COMPLIANCE_AUTHORITY},
    Act.APPROVE_ALLOCATION_TABLE: frozenset({Role.SENIOR_REGISTRY_ADMINISTRATOR, Role.COMPLIANCE_AUTHORITY}),
    # The trigger `excess_is_issuable` holds its own copy of this one.
    Act.APPROVE_EXCESS_CREDITS: frozenset({Role.SENIOR_REGISTRY_ADMINISTRATOR}),
    Act.RUN_ALLOCATION: _REGISTRY_ADMINISTRATORS,
    Act.RECORD_OBLIGATION: frozenset({Role.COMPLIANCE_AUTHORITY}),
    Act.RECORD_EMISSIONS: frozenset({Role.COMPLIANCE_AUTHORITY}),
    # The trigger `freezes_take_effect` holds its own copy of these three.
    Act.FREEZE: _REGISTRY_ADMINISTRATORS | {Role.COMPLIANCE_AUTHORITY},
    Act.REQUEST_RELEASE: _REGISTRY_ADMINISTRATORS,
    Act.RELEASE: frozenset({Role.SENIOR_REGISTRY_ADMINISTRATOR}),
    Act.OPEN_LINK: _SYSTEM_ADMINISTRATOR,
    # Of a side, by a role held in exactly that jurisdiction (linking/operations/sides.py); PostgreSQL asks the same.
    Act.PROPOSE_INSTRUMENT: _REGISTRY_ADMINISTRATORS,
    Act.SIGN_INSTRUMENT: _REGISTRY_ADMINISTRATORS,
    Act.SUSPEND_CORRIDOR: _REGISTRY_ADMINISTRATORS,
    Act.TICK_CONDITION: _REGISTRY_ADMINISTRATORS,
    Act.READ_EVERY_ACCOUNT: _REGISTRY_ADMINISTRATORS | {Role.COMPLIANCE_AUTHORITY, Role.AUDITOR},
}

EVERYWHERE = "*"


def role_name(role: Role, jurisdiction: str = EVERYWHERE) -> str:
    """Return the name of a role held in one jurisdiction (`auditor@CN-BJ`) or in all (`auditor@*`)."""
    return f"{role}@{jurisdiction}"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `user_id` None: the registry itself. `roles` as `role_name` writes them."""

    user_id: int | None
    name: str
    roles: frozenset[str] = frozenset()

    def has_role(self, role: Role, jurisdiction: str) -> bool:
        """Return whether the role is held in the jurisdiction (its code, CN-BJ) or in all of them."""
        return role_name(role, jurisdiction) in self.roles or role_name(role) in self.roles

    def may(self, act: Act, jurisdiction: str = EVERYWHERE) -> bool:
        """Return whether a role held in the jurisdiction (its code) or everywhere permits the act there."""
        return any(self.has_role(role, jurisdiction) for role in PERMITTED[act])

    def administers(self, jurisdiction: str) -> bool:
        """Return whether the actor is a registry administrator, senior or junior, of the jurisdiction."""
        return self.has_role(Role.SENIOR_REGISTRY_ADMINISTRATOR, jurisdiction) or self.has_role(
            Role.JUNIOR_REGISTRY_ADMINISTRATOR, jurisdiction
        )


def registry_itself(name: str = "registry") -> Actor:
    """Return the actor of what no person does (jobs, seeds); it administers the system and every jurisdiction."""
    roles = (Role.SYSTEM_ADMINISTRATOR, Role.SENIOR_REGISTRY_ADMINISTRATOR, Role.COMPLIANCE_AUTHORITY)
    return Actor(None, name, frozenset(map(role_name, roles)))
