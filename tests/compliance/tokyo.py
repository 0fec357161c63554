"""Tokyo for tests of its rule: two facilities, the dated rules of the period 2025-29, and who decides."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from accounts.models import DatedRule, Installation
from accounts.rules.access import Actor, Role
from registry import ledger
from registry.models import Obligation, UnitType
from registry.operations.load_compliance import load_emissions
from registry.operations.record_base import record_base
from tests.accounts import samples
from tests.accounts.samples import NOBODY
from tests.build import ADMINISTRATIVE, NOW, Beijing, official
from tests.calendars.samples import place as working_place

END = datetime(2031, 9, 30, 15, tzinfo=UTC)
RULES = {
    "compliance.rule": "cover-the-excess",
    "compliance.excess-unit-type": "TER",
    "compliance.period": {"first_year": 2025, "last_year": 2029, "begins": "04-01"},
}


@dataclass
class Tokyo(Beijing):
    """The registry, with an authority, a junior administrator who applies, and seniors who approve."""

    authority: Actor = NOBODY
    junior: Actor = NOBODY
    senior: Actor = NOBODY

    def place(self, name: str = "tower") -> Installation:
        """Return a facility by its number."""
        return Installation.objects.select_related("jurisdiction").get(number=name)

    def base(self, *years: int, base: int = 10_000, factor: tuple[int, int] = (17, 100), name: str = "tower") -> None:
        """Record a base and factor of some years."""
        for year in years:
            record_base(
                installation=self.place(name),
                year=year,
                base=base,
                factor_numerator=factor[0],
                factor_denominator=factor[1],
                source="decision",
                actor=self.authority,
                now=NOW,
            )

    def emitted(self, *tonnes: int | str, since: int = 2025, name: str = "tower", now: datetime = NOW) -> None:
        """Record the emissions of some years, from one on."""
        rows = "".join(f"{name},{since + place},{quantity}\n" for place, quantity in enumerate(tonnes))
        load_emissions(
            f"installation,year,emissions\n{rows}".encode(),
            jurisdiction=self.home,
            name="verified.csv",
            actor=self.authority,
            now=now,
        )

    def owes(self, name: str = "tower") -> Obligation:
        """Record the obligation for the period."""
        return Obligation.objects.create(
            jurisdiction=self.home,
            installation=self.place(name),
            year=2029,
            due_at=END,
            eligible_until_vintage=2029,
        )


def tokyo() -> Tokyo:
    """Two facilities with bases of 10,000 t and a factor of 17 % in every year of the period; nothing emitted yet."""
    home = working_place("JP-13")
    for key, value in RULES.items():
        DatedRule.objects.create(
            jurisdiction=home, key=key, value=value, valid_from=date(2025, 4, 1), valid_to=date(2030, 4, 1),
            confidence="V", source="test",
        )  # fmt: skip
    made = Tokyo(
        home,
        samples.user("representative"),
        samples.user("second-representative"),
        UnitType.objects.create(jurisdiction=home, code="TER", kind="credit"),
        authority=official(Role.COMPLIANCE_AUTHORITY, "authority", "JP-13"),
        junior=official(Role.JUNIOR_REGISTRY_ADMINISTRATOR, "junior", "JP-13"),
        senior=official(Role.SENIOR_REGISTRY_ADMINISTRATOR, "senior", "JP-13"),
    )
    for type_code in ADMINISTRATIVE:
        made.open(type_code, type_code=type_code)
    made.open("trader")
    made.open("tower", "depot", type_code="OHA")
    ledger.open_serial_space(home.pk)
    for name in ("tower", "depot"):
        made.base(*range(2025, 2030), name=name)
    return made
