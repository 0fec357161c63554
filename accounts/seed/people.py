"""The pilot's demo holders, installations and logins. Everybody here is invented: the sandbox holds no real person's data."""

from collections.abc import Mapping
from dataclasses import dataclass

from accounts.rules.access import EVERYWHERE, Role

# One account of each of these per jurisdiction; escrow and margin accounts come with a link.
ADMINISTRATIVE_TYPES = ("ISS", "ALL", "AUC", "RES", "SUR", "CAN", "MCN", "LAP")


@dataclass(frozen=True, slots=True)
class DemoOperator:
    """A holder with one installation and its operator holding account."""

    name: str
    number: str
    sector: str


@dataclass(frozen=True, slots=True)
class DemoJurisdiction:
    """The people of one jurisdiction. `short` begins the user names of its representatives."""

    short: str
    country: str
    authority: str
    operators: tuple[DemoOperator, ...]
    trader: str


@dataclass(frozen=True, slots=True)
class DemoLogin:
    """A person who signs in to the administration."""

    username: str
    role: Role
    jurisdiction: str = EVERYWHERE
    is_superuser: bool = False


JURISDICTIONS: Mapping[str, DemoJurisdiction] = {
    "CN-BJ": DemoJurisdiction(
        "bj",
        "CN",
        "Registry administrator of Beijing (demo)",
        (
            DemoOperator("Yanqing Heat and Power (demo)", "BJ-DEMO-1", "heat and power"),
            DemoOperator("Changping Cement (demo)", "BJ-DEMO-2", "cement"),
        ),
        "Chaoyang Carbon Trading (demo)",
    ),
    "JP-13": DemoJurisdiction(
        "tk",
        "JP",
        "Registry administrator of Tokyo (demo)",
        (
            DemoOperator("Shinjuku Office Tower (demo)", "TK-DEMO-1", "offices"),
            DemoOperator("Koto Data Centre (demo)", "TK-DEMO-2", "data centres"),
        ),
        "Marunouchi Carbon Trading (demo)",
    ),
    "KR-11": DemoJurisdiction(
        "se",
        "KR",
        "Registry administrator of Seoul (demo)",
        (
            DemoOperator("Mapo District Heating (demo)", "SE-DEMO-1", "district heating"),
            DemoOperator("Gangseo Waste to Energy (demo)", "SE-DEMO-2", "waste"),
        ),
        "Yeouido Carbon Trading (demo)",
    ),
}

# Two seniors and a junior in each jurisdiction: whoever initiates never approves.
LOGINS = (
    DemoLogin("admin", Role.SYSTEM_ADMINISTRATOR, is_superuser=True),
    *(
        DemoLogin(f"{demo.short}-{name}", role, code)
        for code, demo in JURISDICTIONS.items()
        for name, role in (
            ("registry", Role.SENIOR_REGISTRY_ADMINISTRATOR),
            ("registry-second", Role.SENIOR_REGISTRY_ADMINISTRATOR),
            ("registry-junior", Role.JUNIOR_REGISTRY_ADMINISTRATOR),
        )
    ),
    DemoLogin("auditor", Role.AUDITOR),
)
