"""Theft between two cities, for tests: units that were taken from Beijing's `ann` and are in Tokyo."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from linking.models import TheftCase
from linking.operations.decide_theft_case import decide_theft_case
from linking.operations.propose_theft_case import propose_theft_case
from linking.rules.degrees import Degree
from registry.models import Freeze, UnitBlock
from registry.operations.confirm_hold import confirm_hold
from registry.operations.freeze import freeze_serials
from registry.operations.outcome import Outcome
from registry.operations.release import release
from registry.operations.request_release import request_release
from registry.rules.freezes import FreezeRecord
from registry.rules.serials import SerialBlock
from tests.linking.cities import NOW, Pilot, pilot

HOLD_DAYS = 30
REVIEW_ON = date(2026, 12, 1)
EXPIRY = NOW + timedelta(days=HOLD_DAYS)
LATER = NOW + timedelta(days=1)


@dataclass
class Chase:
    """The pilot, in which Beijing's serials 1 to 1,000 were `ann`'s; some of them are sent to Tokyo and stopped there."""

    pilot: Pilot

    def sent(self, first: int, following: int, to: str = "bob", now: datetime = NOW) -> Outcome:
        """Send serials of Beijing's `ann` to an account in Tokyo."""
        return self.pilot.send(("CN-BJ", "ann"), ("JP-13", to), following - first, (first, following), now=now)

    def freeze(
        self, first: int, following: int, by: str = "CN-BJ", issuer: str = "CN-BJ", now: datetime = LATER
    ) -> FreezeRecord:
        """Freeze serials as the junior administrator of a city, whoever issued them."""
        city = self.pilot[issuer]
        return freeze_serials(
            SerialBlock(city.home.registry_code, city.unit_type.code, 2026, first, following),
            reason="stolen",
            reference="police file 7",
            review_on=REVIEW_ON,
            actor=self.pilot[by].officers[0],
            now=now,
            jurisdiction=by,
        )

    def holds(self, side: str = "JP-13") -> list[Freeze]:
        """Return the holds of a city for others, in the order of their serials."""
        return list(Freeze.objects.filter(jurisdiction__code=side, notice_of__isnull=False).order_by("first_no"))

    def confirm(self, hold: Freeze, side: str = "JP-13", now: datetime = LATER) -> FreezeRecord:
        """Confirm a hold by the city's own freeze."""
        officer = self.pilot[side].officers[0]
        return confirm_hold(hold.pk, reason="confirmed", review_on=REVIEW_ON, actor=officer, now=now)

    def lift(self, number: int, side: str, now: datetime = LATER) -> FreezeRecord:
        """Release a freeze by two persons of its city."""
        request_release(number, actor=self.pilot[side].officers[0], now=now)
        return release(number, actor=self.pilot[side].officers[1], now=now)

    def case(
        self, hold: Freeze, *, for_value: bool, victim: str = "", reference: str = "", now: datetime = LATER
    ) -> TheftCase:
        """Propose a case as Tokyo's junior administrator; `victim`: an account of Beijing, by its short name."""
        return propose_theft_case(
            hold.pk,
            acquired_for_value=for_value,
            evidence="contract and payment seen" if for_value else "no payment was made",
            victim=self.pilot["CN-BJ"][victim] if victim else "",
            reference=reference,
            actor=self.pilot["JP-13"].officers[0],
            now=now,
        )

    def decide(self, case: TheftCase, officer: int = 1, now: datetime = LATER) -> Outcome | None:
        """Decide a case as a senior administrator of Tokyo."""
        return decide_theft_case(case.pk, actor=self.pilot["JP-13"].officers[officer], now=now)

    def frozen(self, side: str = "JP-13") -> list[int]:
        """Return the serials of Beijing that are frozen in a city."""
        marked = UnitBlock.objects.filter(
            origin=self.pilot["CN-BJ"].home, account__jurisdiction__code=side, frozen_by__isnull=False
        )
        return sorted(no for block in marked for no in range(block.start_no, block.end_no or 0))

    def holder(self, serial: int) -> tuple[str, str]:
        """Return the city and the name of the account that holds a serial of Beijing."""
        block = UnitBlock.objects.select_related("account__jurisdiction").get(
            origin=self.pilot["CN-BJ"].home, start_no__lte=serial, end_no__gt=serial
        )
        assert block.account is not None
        return block.account.jurisdiction.code, block.account.name


def chase(good_faith: str = "units-go-back", hold_days: int = HOLD_DAYS) -> Chase:
    """Make the pilot with Beijing and Tokyo linked both ways, 4/5 into Tokyo, 500 units a year, and these terms about theft."""
    made = pilot()
    quota = {"limit": 500, "measure": "units", "window": "year"}
    made.agree(
        "CN-BJ",
        "JP-13",
        rate=(4, 5),
        entry_quota=quota,
        hold_on_freeze_days=hold_days,
        good_faith=good_faith,
    )
    made.agree("JP-13", "CN-BJ", net_flow_limit=1_000_000, hold_on_freeze_days=hold_days, good_faith=good_faith)
    made.raise_to(Degree.RECIPROCAL, "CN-BJ", "JP-13")
    return Chase(made)
