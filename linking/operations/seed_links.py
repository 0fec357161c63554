"""Seed the demo's links: three at different degrees, a year of transfers both ways, one quota nearly full, what waits.

Everything is done by the operations, in the names of the demo's people, at the instants of the story: a year that ends now. It
tells the prices of 2016 (linking/seed/prices.py). What is there is not made again.
"""

from datetime import UTC, date, datetime, timedelta

from django.contrib.auth.hashers import make_password

from accounts.models import Account, Holder, Jurisdiction, User, UserRole
from accounts.operations.change_representative_state import change_representative_state
from accounts.operations.nominate_representative import nominate_representative
from accounts.operations.open_account import open_account
from accounts.queries import actor_for
from accounts.rules.access import Actor, Role, registry_itself
from accounts.rules.account_types import HolderKind
from accounts.rules.representatives import Action, RepresentativeState, Rights, right_permits
from linking.models import Agreement, Instrument, Link, Quota
from linking.operations.open_link import open_link
from linking.operations.propose_instrument import propose_instrument
from linking.operations.sign_instrument import sign_instrument
from linking.operations.tick_condition import tick_condition
from linking.readiness_queries import open_blocks
from linking.rules.degrees import BLOCKS, CONDITIONS, Degree, step_after
from linking.rules.documents import DegreeDocument, Document, LeaveDocument
from linking.rules.terms import Direction, terms_from
from linking.seed import pilot
from registry.models import IssuanceCap, Transaction, UnitType
from registry.operations.approve import approve
from registry.operations.issue import issue
from registry.operations.propose import propose
from registry.operations.set_cap import set_cap
from registry.rules.proposal import Line, Proposal

_SEED = registry_itself("seed")
_MONTH = timedelta(days=30)
# Sign for a side, in this order.
_SIGNING = (Role.JUNIOR_REGISTRY_ADMINISTRATOR, Role.SENIOR_REGISTRY_ADMINISTRATOR)


def seed_links(*, now: datetime) -> None:
    """Seed the demo's links and their year. A crash in between leaves what is made; the next run goes on where it can."""
    begins = (now - 12 * _MONTH - timedelta(days=5)).replace(microsecond=0)
    places = {place.code: place for place in Jurisdiction.objects.filter(code__in=pilot.UNIT)}
    if set(places) != set(pilot.UNIT):
        return
    desks = {code: _desk(place, begins) for code, place in places.items()}
    for link in pilot.LINKS:
        _link(places[link.one], places[link.other], link.degree, begins)
    if not Transaction.objects.filter(type_id="3-0").exists():
        for ways, months in pilot.FLOWS.items():
            for number, month in enumerate(months):
                _flow(desks, ways, month, now - (len(months) - number) * _MONTH)
        _fill(desks, now - timedelta(days=2))
        _wait(places, now)


def _officers(side: str) -> tuple[Actor, ...]:
    """A junior and a senior administrator of a side."""
    found = []
    for role in _SIGNING:
        row = UserRole.objects.filter(role=role, jurisdiction__code=side).select_related("user").order_by("id")[0]
        found.append(actor_for(row.user))
    return tuple(found)


def _link(one: Jurisdiction, other: Jurisdiction, degree: Degree, begins: datetime) -> None:
    first, second = sorted((one, other), key=lambda place: place.pk)
    link = Link.objects.filter(first=first, second=second).first()
    link = link or open_link(one=one, other=other, actor=_SEED, now=begins)
    for way in ((one.code, other.code), (other.code, one.code)):
        if way in pilot.CORRIDORS and not Agreement.objects.filter(
            corridor__origin__code=way[0], corridor__destination__code=way[1]
        ):
            direction = Direction(*way)
            _conclude(link, LeaveDocument(direction, pilot.LEAVES.get(way), begins, None), way[:1], begins)
            terms = terms_from(pilot.terms_document(*way, begins.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")))
            _conclude(link, terms, (way[1], way[0]), begins)
    while Degree(link.degree).rank < degree.rank:
        step = step_after(Degree(link.degree))
        assert step is not None
        _tick(link, step, (one, other), begins)
        open_way = Direction(one.code, other.code) if step is Degree.UNILATERAL else None
        _conclude(
            link,
            DegreeDocument(Degree(link.degree), step, open_way, "a step of the pilot"),
            (one.code, other.code),
            begins,
        )
        link.refresh_from_db()


def _tick(link: Link, step: Degree, sides: tuple[Jurisdiction, Jurisdiction], begins: datetime) -> None:
    for condition in CONDITIONS:
        if condition.step is not step or not condition.is_ticked:
            continue
        evidence = "minutes of the pilot's working group (demo)"
        if condition.code == BLOCKS:
            blocks = open_blocks(*sides, begins)
            evidence = "readiness compared" + (f"; assumed for the exercise: {', '.join(blocks)}" if blocks else "")
        for side in sides:
            officer = _officers(side.code)[0]
            tick_condition(link, code=condition.code, evidence=evidence, actor=officer, now=begins)


def _conclude(link: Link, document: Document, sides: tuple[str, ...], begins: datetime) -> Instrument:
    instrument = propose_instrument(link, document, actor=_officers(sides[0])[0], now=begins)
    for side in sides:
        for officer in _officers(side):
            instrument = sign_instrument(instrument.pk, digest=instrument.digest, actor=officer, now=begins)
    return instrument


def _desk(place: Jurisdiction, begins: datetime) -> Account:
    """The desk's account in a city, with two representatives, and units of the year in which the story begins."""
    holder = Holder.objects.get_or_create(name=pilot.DESK, kind=HolderKind.ORGANISATION, country="JP")[0]
    account = Account.objects.filter(jurisdiction=place, holder=holder).first()
    if account is None:
        account = open_account(
            jurisdiction=place, type_code="TRA", holder=holder, name=pilot.DESK, actor=_SEED, now=begins
        )
        for letter, rights in (("a", Rights.INITIATE_AND_APPROVE), ("b", Rights.APPROVE)):
            user = User.objects.create(
                username=f"desk-{place.code.lower()}-{letter}", password=make_password(None), language=place.language
            )
            nomination = nominate_representative(account=account, user=user, rights=rights, actor=_SEED, now=begins)
            change_representative_state(
                representative=nomination, state=RepresentativeState.ACTIVE, actor=_SEED, now=begins
            )
    unit_type = UnitType.objects.get(jurisdiction=place, code=pilot.UNIT[place.code])
    cap = IssuanceCap.objects.filter(unit_type=unit_type, vintage=begins.year).first() or set_cap(
        unit_type=unit_type,
        vintage=begins.year,
        limit=10 * pilot.STOCK,
        valid_from=date(begins.year, 1, 1),
        source=pilot.SOURCE,
        actor=_SEED,
        now=begins,
    )
    if cap.issued == 0:
        issuance = Account.objects.get(jurisdiction=place, type="ISS").identifier
        issue(cap_id=cap.pk, acquiring=issuance, quantity=pilot.STOCK, actor=_SEED, now=begins)
        line = Line(issuance, account.identifier, pilot.STOCK, place.registry_code, unit_type.code, begins.year)
        propose(Proposal("10-37", (line,), client_reference="stock of the pilot desk"), actor=_SEED, now=begins)
    return account


def _flow(desks: dict[str, Account], ways: tuple[str, str], month: tuple[int, int, int], at: datetime) -> None:
    """One month of a link: out, the other way, and home."""
    one, other = ways
    there, back, home = month
    _send(desks[one], desks[other], there, one, None, at)
    _send(desks[other], desks[one], back, other, None, at + timedelta(days=9))
    _send(desks[other], desks[one], home, one, _came_by(desks[other], one), at + timedelta(days=20))


def _came_by(account: Account, issuer: str) -> int | None:
    """The recognition of the units of an issuer that an account holds most of."""
    held = account.holdings.filter(series__origin__code=issuer, quantity__gt=0).order_by("-quantity")
    return held.values_list("recognition_id", flat=True).first()


def _send(
    sender: Account,
    acquirer: Account,
    quantity: int,
    issuer: str,
    recognition: int | None,
    at: datetime,
    *,
    reference: str = "",
) -> Transaction | None:
    """Propose an external transfer; what has no `reference` of its own is approved by another person."""
    if quantity == 0:
        return None
    registry, unit_type = issuer.replace("-", ""), pilot.UNIT[issuer]
    line = Line(sender.identifier, acquirer.identifier, quantity, registry, unit_type, recognition=recognition)
    proposal = Proposal(
        "3-0", (line,), client_reference=reference or f"{issuer} {at:%Y-%m-%d} to {acquirer.identifier}"
    )
    outcome = propose(proposal, actor=_representative(sender, Action.INITIATE), now=at)
    made = Transaction.objects.get(pk=outcome.transaction_id)
    if not reference:
        _approve(made, sender, at + timedelta(hours=2))
    return made


def _approve(made: Transaction, sender: Account, at: datetime) -> None:
    approve(made.pk, actor=_representative(sender, Action.APPROVE, but=made.initiator_id), now=at)


def _representative(account: Account, action: Action, but: int | None = None) -> Actor:
    """Return an active representative of an account who may act so, and is not that user."""
    active = account.representatives.filter(state=RepresentativeState.ACTIVE).select_related("user").order_by("id")
    return next(
        actor_for(one.user) for one in active if one.user_id != but and right_permits(Rights(one.rights), action)
    )


def _fill(desks: dict[str, Account], at: datetime) -> None:
    """Bring one quota of the present year to where it is nearly full."""
    (origin, destination), percent = pilot.NEARLY_FULL
    quotas = Quota.objects.filter(kind="entry", corridor__origin__code=origin, corridor__destination__code=destination)
    limit = pilot.CORRIDORS[origin, destination]["entry_quota"]
    assert isinstance(limit, dict)
    row = quotas.filter(year=at.year).first()
    missing = limit["limit"] * percent // 100 - (0 if row is None else row.used + row.reserved)
    if missing > 0:
        _send(desks[origin], desks[destination], missing, origin, None, at)


def _wait(places: dict[str, Jurisdiction], now: datetime) -> None:
    """A transfer of Beijing's trader to Tokyo's that waits for a second person, and one that waits for its delay."""
    traders = {
        code: Account.objects.filter(jurisdiction=places[code], type="TRA")
        .exclude(holder__name=pilot.DESK)
        .order_by("id")[0]
        for code in ("CN-BJ", "JP-13")
    }
    sender, acquirer = traders["CN-BJ"], traders["JP-13"]
    _send(sender, acquirer, pilot.AWAITS_APPROVAL, "CN-BJ", None, now, reference="link: waits for a second person")
    delayed = _send(sender, acquirer, pilot.AWAITS_ITS_DELAY, "CN-BJ", None, now, reference="link: waits for its delay")
    assert delayed is not None
    _approve(delayed, sender, now)
