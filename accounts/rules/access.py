"""Who acts: the person or process named in every operation and log entry, with the roles held just then."""

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

    def administers(self, jurisdiction: str) -> bool:
        """Return whether the actor is a registry administrator, senior or junior, of the jurisdiction."""
        return self.has_role(Role.SENIOR_REGISTRY_ADMINISTRATOR, jurisdiction) or self.has_role(
            Role.JUNIOR_REGISTRY_ADMINISTRATOR, jurisdiction
        )


def registry_itself(name: str = "registry") -> Actor:
    """Return the actor of what no person does (jobs, seeds); it administers every jurisdiction."""
    return Actor(None, name, frozenset({role_name(Role.SENIOR_REGISTRY_ADMINISTRATOR)}))
