"""The walk of a link from none to formal and back: each step refused for each condition it lacks, and where one has expired.

Refused by the operation with the condition's name, when it is proposed and when it is signed; and by PostgreSQL alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, transaction

from accounts.refusals import Refusal
from audit.canonical import canonical_json
from linking.models import DegreeChange, Instrument, Link, Signature
from linking.operations.propose_instrument import propose_instrument
from linking.operations.tick_condition import tick_condition
from linking.rules.degrees import CONDITIONS, Condition, Degree, Ticker, conditions_of, step_after
from linking.rules.documents import DegreeDocument, LeaveDocument, document_of
from linking.rules.terms import Direction, terms_from
from tests.linking.cities import NOW, Pilot, pilot, terms
from tests.linking.standing_links import UNLIMITED
from tests.linking.test_checks_of_links import BJ, DAY, JP

LIMITED = {"net_flow_limit": UNLIMITED, "notice_days": 0}
# What the readiness of the two cities leaves open, an exercise names as what it only assumes.
EVIDENCE = "test; of the exercise: mrv, legal-basis"
STEPS = tuple(Degree)[1:]


@pytest.fixture
def world() -> Callable[[], Pilot]:
    return pilot


@dataclass
class Walk:
    """One link on its way, and how each condition of a step is met at an instant."""

    made: Pilot
    link: Link
    at: datetime = NOW
    versions: dict[tuple[str, str], int] = field(default_factory=dict)

    def meet(self, condition: Condition, *sides: str, at: datetime | None = None) -> None:
        """Meet a condition; a tick for these sides, both by default."""
        now = at or self.at
        ticks = condition.ticked_by is not Ticker.SYSTEM or condition.code == "nothing-blocks"
        if ticks:
            needed = {Ticker.DESTINATION: (JP,), Ticker.ORIGIN: (BJ,), Ticker.SYSTEM: (JP,)}.get(
                condition.ticked_by, (BJ, JP)
            )
            for side in sides or needed:
                tick_condition(
                    self.link, code=condition.code, evidence=EVIDENCE, actor=self.made[side].officers[0], now=now
                )
            return
        both = ((BJ, JP), (JP, BJ))
        match condition.code:
            case "leave-signed":
                self.leave(BJ, JP)
            case "terms-in-force" | "restriction-agreed":
                self.agree(BJ, JP, **LIMITED)
            case "both-corridors-in-force":
                self.agree(JP, BJ, **LIMITED)
            case "both-leaves-signed":
                self.leave(JP, BJ)
            case "one-to-one" | "no-quota":
                for way in both:
                    self.agree(*way, notice_days=0, instrument="The accord of 2026")

    def unmeet(self, condition: Condition) -> None:
        """Make terms and leaves, which stand from earlier steps, such that a computed condition is not met."""
        match condition.code:
            case "restriction-agreed":
                self.agree(BJ, JP, notice_days=0)
            case "one-to-one":
                self.agree(BJ, JP, notice_days=0, rate=(4, 5), instrument="The accord of 2026")
            case "no-quota":
                self.agree(BJ, JP, notice_days=0, net_flow_limit=5, instrument="The accord of 2026")

    def agree(self, origin: str, destination: str, **changes: object) -> None:
        version = self.versions.get((origin, destination), 0) + 1
        self.versions[origin, destination] = version
        self.at += timedelta(seconds=1)
        document = terms(origin, destination, self.at, version=version, **changes)
        self.made.conclude(self.link, terms_from(document), destination, origin, now=self.at)

    def leave(self, origin: str, destination: str) -> None:
        document = LeaveDocument(Direction(origin, destination), None, self.at, None)
        self.made.conclude(self.link, document, origin, now=self.at)

    def step(self, to: Degree) -> DegreeDocument:
        self.link.refresh_from_db()
        way = Direction(BJ, JP) if to is Degree.UNILATERAL else None
        return DegreeDocument(Degree(self.link.degree), to, way, "a step")

    def missing(self, to: Degree, now: datetime | None = None) -> str:
        """What the operation says is missing; nothing: the step may be proposed, which is taken back."""
        try:
            with transaction.atomic():
                propose_instrument(self.link, self.step(to), actor=self.made[BJ].officers[0], now=now or self.at)
                transaction.set_rollback(True)
        except Refusal as refusal:
            return str(refusal.params.get("missing", refusal.code))
        return ""

    def postgresql_refuses(self, to: Degree, now: datetime | None = None) -> str | None:
        """Sign it past the operations; return the constraint that PostgreSQL names, or None; taken back."""
        at = now or self.at
        try:
            with transaction.atomic():
                document = self.step(to)
                row = Instrument.objects.create(
                    kind="raise", link=self.link, document=_json(document), content={}, digest="", proposed_at=at,
                    proposed_by_id=self.made[BJ].officers[0].user_id,
                )  # fmt: skip
                for side in (BJ, JP):
                    for officer in self.made[side].officers[:2]:
                        Signature.objects.create(
                            instrument=row, jurisdiction=self.made[side].home, user_id=officer.user_id, at=at
                        )
                transaction.set_rollback(True)
        except DatabaseError as error:
            cause = error.__cause__
            return str(cause.diag.constraint_name)  # type: ignore[union-attr]
        return None

    def raise_to(self, to: Degree) -> None:
        self.made.conclude(self.link, self.step(to), BJ, JP, now=self.at)
        self.link.refresh_from_db()
        assert Degree(self.link.degree) is to


def _json(document: DegreeDocument) -> str:
    return canonical_json(document_of(document)).decode()


@pytest.fixture
def walk(begun: Pilot) -> Walk:
    return Walk(begun, begun.link(BJ, JP))


def climb(walk: Walk, to: Degree) -> None:
    """Go up to a degree, meeting whatever each step asks for."""
    while Degree(walk.link.degree) is not to:
        step = step_after(Degree(walk.link.degree))
        assert step is not None
        for condition in conditions_of(step):
            walk.meet(condition)
        walk.raise_to(step)


def below(step: Degree) -> Degree:
    return tuple(Degree)[step.rank - 1]


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda row: row.code)
def test_a_step_is_refused_for_each_condition_that_it_alone_lacks(walk: Walk, condition: Condition):
    step = condition.step
    climb(walk, below(step))
    for other in conditions_of(step):
        if other is not condition:
            walk.meet(other)
    walk.unmeet(condition)
    sides = {Ticker.BOTH: (BJ, JP), Ticker.DESTINATION: (JP,)}.get(condition.ticked_by)
    expected = [condition.code] if sides is None else [f"{condition.code} ({side})" for side in sorted(sides)]
    assert sorted(walk.missing(step).split(", ")) == expected
    assert walk.postgresql_refuses(step) == "conditions_are_met"
    if condition.ticked_by is Ticker.BOTH:
        # One side's word is not the other's.
        walk.meet(condition, BJ)
        assert walk.missing(step) == f"{condition.code} ({JP})"
        assert walk.postgresql_refuses(step) == "conditions_are_met"
        walk.meet(condition, JP)
    else:
        walk.meet(condition)
    assert walk.missing(step) == ""
    assert walk.postgresql_refuses(step) is None
    walk.raise_to(step)


@pytest.mark.parametrize("condition", [row for row in CONDITIONS if row.valid_days], ids=lambda row: row.code)
def test_a_step_is_refused_once_one_of_its_conditions_has_expired(walk: Walk, condition: Condition):
    step = condition.step
    assert condition.valid_days is not None
    climb(walk, below(step))
    walk.meet(condition)
    walk.at += timedelta(days=condition.valid_days)
    for other in conditions_of(step):
        if other is not condition:
            walk.meet(other)
    sides = (BJ, JP) if condition.ticked_by is Ticker.BOTH else (JP,)
    assert walk.missing(step) == ", ".join(f"{condition.code} ({side})" for side in sides)
    assert walk.postgresql_refuses(step) == "conditions_are_met"
    walk.meet(condition)
    assert walk.missing(step) == ""
    walk.raise_to(step)


def test_a_condition_that_expired_between_proposal_and_last_signature_refuses_it_then(walk: Walk):
    for condition in conditions_of(Degree.INDIRECT):
        walk.meet(condition)
    walk.raise_to(Degree.INDIRECT)
    for condition in conditions_of(Degree.INCREMENTAL):
        walk.meet(condition)
    proposed = propose_instrument(
        walk.link, walk.step(Degree.INCREMENTAL), actor=walk.made[BJ].officers[0], now=walk.at
    )
    later = walk.at + timedelta(days=365)
    with pytest.raises(Refusal) as refusal:
        walk.made.sign(proposed, BJ, JP, now=later)
    assert refusal.value.code == "conditions-missing"
    walk.link.refresh_from_db()
    assert walk.link.degree == "indirect"


@pytest.mark.parametrize("before", list(Degree))
def test_a_degree_is_raised_one_step_at_a_time_and_lowered_by_any_number_at_once(walk: Walk, before: Degree):
    climb(walk, before)
    following = step_after(before)
    if following is not None:
        for condition in conditions_of(following):
            walk.meet(condition)
    for after in Degree:
        document = replace(walk.step(after), before=before)
        if after.rank > before.rank + 1 or after is before:
            with pytest.raises(Refusal) as refusal:
                propose_instrument(walk.link, document, actor=walk.made[JP].officers[0], now=walk.at)
            assert refusal.value.code == "degree-does-not-follow"
            assert walk.postgresql_refuses(after) == "degrees_go_step_by_step"
            continue
        with transaction.atomic():
            sides = (JP,) if after.rank < before.rank else (BJ, JP)
            walk.made.conclude(walk.link, document, *sides, now=walk.at)
            change = DegreeChange.objects.latest("id")
            assert (change.from_degree, change.to_degree) == (before, after)
            assert Link.objects.get(pk=walk.link.pk).degree == after
            transaction.set_rollback(True)


def test_the_walk_from_none_to_formal_and_back(walk: Walk):
    climb(walk, Degree.FORMAL)
    assert [row.to_degree for row in DegreeChange.objects.order_by("id")] == [str(step) for step in STEPS]
    for step in reversed(tuple(Degree)[:-1]):
        walk.made.conclude(walk.link, walk.step(step), BJ, now=walk.at)
        walk.link.refresh_from_db()
        assert Degree(walk.link.degree) is step
    # What was named at the way up to *unilateral* is open no more.
    assert walk.link.open_corridor_id is None


def test_after_a_link_was_lowered_below_a_step_its_conditions_are_ticked_anew(walk: Walk):
    """A tick without an expiry counts until the link is lowered below its step."""
    climb(walk, Degree.INCREMENTAL)
    walk.at += DAY
    walk.made.conclude(walk.link, walk.step(Degree.NONE), BJ, now=walk.at)
    walk.at += DAY
    assert walk.missing(Degree.INDIRECT).split(", ") == [
        f"{code} ({side})" for code in ("mechanism-listed", "mechanism-quota-set") for side in (BJ, JP)
    ]
    assert walk.postgresql_refuses(Degree.INDIRECT) == "conditions_are_met"


def test_a_formal_link_has_terms_that_name_its_legal_instrument(walk: Walk):
    climb(walk, Degree.RECIPROCAL)
    for way in ((BJ, JP), (JP, BJ)):
        walk.agree(*way, notice_days=0)
    walk.meet(next(row for row in CONDITIONS if row.code == "instrument-named"))
    assert walk.missing(Degree.FORMAL) == "terms-do-not-fit-the-degree"
    assert walk.postgresql_refuses(Degree.FORMAL) == "terms_fit_the_degree"


def test_at_the_degree_formal_no_other_terms_come_into_force(walk: Walk):
    climb(walk, Degree.FORMAL)
    for changes in ({"rate": (4, 5)}, {"net_flow_limit": 5}, {"instrument": ""}):
        with pytest.raises(Refusal) as refusal, transaction.atomic():
            walk.agree(BJ, JP, **({"notice_days": 0, "instrument": "The accord of 2026"} | changes))
        assert refusal.value.code == "terms-do-not-fit-the-degree"
        walk.versions[BJ, JP] -= 1
