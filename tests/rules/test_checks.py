"""Each check, broken alone: exactly its code is told, and with its row taken out of the table nothing is."""

import string
from dataclasses import replace
from datetime import timedelta
from itertools import combinations

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from accounts.rules.access import Actor
from accounts.texts import text
from registry.rules import check_table, checks
from registry.rules.check_table import CHECKS, Check, CodeUsedTwice, Group
from registry.rules.facts import Context, HoldingLimitFacts, LimitFacts, LimitsFacts, LineFacts, Moment
from registry.rules.proposal import MOST_RANGES, Line, Proposal, SerialRange
from registry.rules.serials import GREATEST_SERIAL
from registry.rules.states import FINAL, STEPS, State, Step
from registry.rules.types import TYPES
from tests.rules.samples import (
    ALLOCATION,
    ANN,
    BANKING,
    BOB,
    CAP,
    CONVERSION,
    ISS,
    JUNIOR,
    MCN,
    MOVED,
    NOW,
    OBLIGATION,
    PLANT,
    REGISTRY,
    RETURNS,
    SENIOR,
    SUR,
    SURRENDERED,
    account,
    allocation,
    cancellation,
    carry_over,
    conversion,
    correction,
    issuance,
    lapse,
    named,
    piece,
    returning,
    reversal,
    surrender,
    transfer,
)

LATER, EARLIER = NOW.replace(minute=1), NOW.replace(hour=1)
CLOSING = replace(ANN, status="CLOSURE_PENDING")
SECOND, OTHER_JUNIOR = Actor(17, "user:17"), replace(JUNIOR, user_id=19, name="user:19")
# Ten units more are the last.
LIMITS = LimitsFacts(NOW.date(), 90, (LimitFacts("account", None, None), LimitFacts("system", 10, 100)))
HOLDING_LIMIT = HoldingLimitFacts(limit=1_000, held=890, pending=100)
FULL = replace(HOLDING_LIMIT, held=901)

GOOD = {
    "a transfer": transfer(),
    "a transfer of named serials": transfer(found=(named(1, 11, ANN),)),
    "a surrender": surrender(),
    "an allocation": allocation(),
    "an issuance": issuance(),
    "a cancellation": cancellation(),
    "a cancellation by order": transfer(acquirer=MCN, kind="4-48", actor=JUNIOR, proposal={"reason": "an order"}),
    "an auction delivery": transfer(sender=ISS, kind="10-37", actor=JUNIOR),
    "an issuance by the registry itself, in an exercise": issuance(actor=REGISTRY, exercise=True),
    "an approval by another": transfer(actor=SECOND, moment=Moment.APPROVAL, initiator_id=7),
    "an approval by who may only approve": transfer(
        sender=replace(ANN, right="APPROVE"), actor=SECOND, moment=Moment.APPROVAL, initiator_id=7
    ),
    "an approval by a senior administrator": issuance(actor=SENIOR, moment=Moment.APPROVAL, initiator_id=9),
    "the execution of what somebody began": transfer(
        sender=replace(ANN, right=None), actor=REGISTRY, moment=Moment.EXECUTION, initiator_id=7
    ),
    "a surrender by one, as the holder chose": surrender(
        sender=replace(PLANT, one_person_surrender=True, other_approvers=False)
    ),
    "a transfer by one to an account that is trusted": transfer(
        sender=replace(ANN, one_person_trusted_transfer=True, other_approvers=False, trusts=frozenset({BOB.identifier}))
    ),
    "a transfer to the only ones allowed": transfer(
        sender=replace(ANN, trusted_only=True, trusts=frozenset({BOB.identifier}))
    ),
    "a cancellation by who trusts only some": cancellation(sender=replace(ANN, trusted_only=True)),
    "a client reference of another account": transfer(
        proposal={"client_reference": "r"}, used_references=frozenset({(BOB.identifier, "r")})
    ),
    "another client reference": transfer(
        proposal={"client_reference": "s"}, used_references=frozenset({(ANN.identifier, "r")})
    ),
    "a surrender on the last instant": surrender(obligation=replace(OBLIGATION, opens_at=NOW, closes_at=NOW)),
    "the last units of a cap": issuance(100),
    "a return": returning(),
    "a return approved, counted already": returning(
        sender=replace(PLANT, right="APPROVE"),
        returns=replace(RETURNS, returned=40),
        actor=SECOND,
        moment=Moment.APPROVAL,
        initiator_id=7,
    ),
    "a reversal": reversal(),
    "a reversal on the last instant": reversal(replace(SURRENDERED, completed_at=NOW - timedelta(days=30))),
    "a reversal approved after the limit": reversal(
        replace(SURRENDERED, completed_at=NOW - timedelta(days=31)),
        actor=SENIOR,
        moment=Moment.APPROVAL,
        initiator_id=9,
    ),
    "a correction with consent": correction(),
    "a correction between accounts of one holder": correction("", original=replace(MOVED, one_holder=True)),
    "a lapse on the first instant": lapse(),
    "a transfer on the last instant": transfer(found=(named(1, 11, ANN, valid_until=LATER),)),
    "a carry-over": carry_over(),
    "a carry-over of named serials by a restricted account": carry_over(
        sender=(restricted := replace(ANN, status="SOME_RESTRICTED")),
        acquirer=restricted,
        found=(named(1, 11, ANN),),
    ),
    "a transfer of named serials of the product it says": transfer(found=(named(1, 11, ANN),), line={"recognition": 0}),
    "an approval into the period that was recorded": carry_over(
        found=(named(1, 11, ANN),), line={"becomes": "2027"}, moment=Moment.APPROVAL, actor=SECOND, initiator_id=7
    ),
    "a carry-over of the only vintage": carry_over(
        carry_overs={("CNBJ", "BEA"): replace(BANKING, first_vintage=2026, last_vintage=2026)}
    ),
    "a carry-over into the period after": carry_over(periods={0: "2026"}),
    "a conversion of the last units of a cap": conversion(),
    "a conversion of named serials by a restricted account, in its last year": conversion(
        sender=replace(PLANT, status="SOME_RESTRICTED"),
        found=(named(1, 11, PLANT),),
        conversions={("CNBJ", "BEA"): replace(CONVERSION, year=2031)},
    ),
    "an approval of a conversion into the type that was recorded": conversion(
        sender=replace(PLANT, right="APPROVE"),
        found=(named(1, 11, PLANT),),
        line={"becomes": "BEC"},
        moment=Moment.APPROVAL,
        actor=SECOND,
        initiator_id=7,
    ),
    "a closure transfer": transfer(sender=CLOSING, kind="10-91"),
    "the last units of a limit": transfer(sender=replace(ANN, limits=LIMITS)),
    "units that count already": transfer(
        sender=replace(ANN, limits=replace(LIMITS, used=100)),
        acquirer=replace(BOB, holding_limit=HoldingLimitFacts(limit=1_000, held=980, pending=20)),
        moment=Moment.EXECUTION,
        initiator_id=7,
    ),
    "a transfer of nobody's, which the registry executes": transfer(
        sender=replace(ANN, limits=replace(LIMITS, used=101)), moment=Moment.EXECUTION
    ),
    "a cancellation beyond a limit": cancellation(sender=replace(ANN, limits=replace(LIMITS, used=100))),
    "the last units of a holding limit": transfer(acquirer=replace(BOB, holding_limit=HOLDING_LIMIT)),
    "a delivery beyond a holding limit": allocation(acquirer=replace(PLANT, holding_limit=FULL)),
    "units that stay with their holder": transfer(acquirer=replace(BOB, holder_id=1, holding_limit=FULL)),
    "a sale beyond the seller's holding limit": transfer(sender=replace(ANN, holding_limit=FULL)),
}
MALFORMED, WRONG_DIGITS = account(2, identifier="CNBJ-TRA-01-00"), account(2, identifier="CNBJ-TRA-1000002-00")
EARLY_ONLY = replace(OBLIGATION, eligible_until_vintage=2025)


# (code, what is wrong): the context in which exactly that is wrong.
BROKEN: dict[tuple[int, str], Context] = {
    (2001, "an identifier that is none"): transfer(acquirer=MALFORMED),
    (2002, "wrong check digits"): transfer(acquirer=WRONG_DIGITS),
    (2003, "nothing"): transfer(quantity=0),
    (2003, "less than nothing"): transfer(quantity=-1),
    (2003, "more than any registry issues"): transfer(quantity=GREATEST_SERIAL + 1),
    (2003, "a truth value"): transfer(quantity=True),
    (2003, "half a unit"): transfer(quantity=1.5),
    (2004, "a reversed range"): transfer(line={"serials": (SerialRange("CNBJ", 11, 1),)}, pieces=()),
    (2004, "a range from zero"): transfer(line={"serials": (SerialRange("CNBJ", 0, 10),)}, pieces=()),
    (2004, "a range past the last serial"): transfer(
        line={"serials": (SerialRange("CNBJ", GREATEST_SERIAL - 8, GREATEST_SERIAL + 2),)}, pieces=()
    ),
    (2005, "a serial twice"): transfer(found=(named(1, 6, ANN), named(5, 10, ANN))),
    (2006, "another sum"): transfer(quantity=11, found=(named(1, 11, ANN),)),
    (2007, "a unit type of nobody"): transfer(unit_types={}),
    (2008, "a year that is none"): transfer(line={"vintage": 26}),
    (2008, "another vintage than the serials'"): transfer(found=(named(1, 11, ANN),), line={"vintage": 2025}),
    (2009, "too many blocks"): transfer(
        quantity=MOST_RANGES + 1,
        free=10_000,
        pieces=tuple(piece(2 * place + 1, 2 * place + 2) for place in range(MOST_RANGES + 1)),
    ),
    (2009, "a selection that stopped short"): transfer(pieces=(piece(1, 5),)),
    (2010, "a registry of nobody"): transfer(registries=frozenset(), unit_types={}),
    (2011, "a transfer for an obligation"): transfer(proposal={"obligation": 4}),
    (2011, "a surrender for none"): surrender(proposal={}, obligation=None),
    (2011, "a transfer under a cap"): transfer(proposal={"cap": 8}),
    (2011, "an allocation of nothing"): allocation(proposal={}, allocation=None),
    (2012, "no reason"): cancellation(proposal={}),
    (2012, "a blank reason"): cancellation(proposal={"reason": " "}),
    (3001, "a client reference a second time"): transfer(
        proposal={"client_reference": "r"}, used_references=frozenset({(ANN.identifier, "r")})
    ),
    (4001, "nobody sends"): transfer(accounts={BOB.identifier: BOB}),
    (4001, "a stranger sends"): transfer(sender=replace(ANN, right=None)),
    (4002, "nobody receives"): transfer(accounts={ANN.identifier: ANN}),
    (4003, "a suspended account sends"): transfer(sender=replace(ANN, status="SUSPENDED")),
    (4003, "a restricted account transfers"): transfer(sender=replace(ANN, status="SOME_RESTRICTED")),
    (4003, "a frozen account sends"): transfer(sender=replace(ANN, frozen=True)),
    (4003, "a frozen account surrenders"): surrender(sender=replace(PLANT, frozen=True)),
    (4003, "an account frozen since it began"): transfer(
        sender=replace(ANN, frozen=True), actor=REGISTRY, moment=Moment.EXECUTION, initiator_id=7
    ),
    (4004, "a frozen account receives"): transfer(acquirer=replace(BOB, frozen=True)),
    (4004, "an account not open yet receives"): transfer(acquirer=replace(BOB, status="REQUESTED")),
    (4005, "to itself"): transfer(acquirer=ANN),
    (4005, "carried over into another account"): carry_over(acquirer=BOB),
    (4006, "a trader surrenders"): surrender(sender=replace(ANN, installation_id=30)),
    (4007, "a transfer into the issuance account"): transfer(acquirer=ISS),
    (4007, "a transfer into the surrender account"): transfer(acquirer=SUR),
    (4008, "another's serials"): transfer(found=(named(1, 11, BOB),)),
    (4008, "serials never issued"): transfer(
        found=(named(1, 11, ANN, piece=None, account_id=None, unit_type=None),)
    ),
    (4008, "serials of another product"): transfer(found=(named(1, 11, ANN),), line={"recognition": 3}),
    (4009, "bound serials"): transfer(found=(named(1, 11, ANN, bound=True),)),
    (4010, "more than is free"): transfer(quantity=101),
    (4011, "an account that is not trusted"): transfer(sender=replace(ANN, trusted_only=True)),
    (4011, "an account that is trusted no more"): transfer(
        sender=replace(ANN, trusted_only=True, trusts=frozenset({PLANT.identifier})),
        actor=SECOND, moment=Moment.APPROVAL, initiator_id=7,
    ),
    (4012, "who only reads"): transfer(sender=replace(ANN, right="READ_ONLY")),
    (4012, "who only surrenders, transfers"): transfer(sender=replace(ANN, right="SURRENDER")),
    (4012, "an administrator moves another's units"): transfer(sender=replace(ANN, right=None), actor=SENIOR),
    (4012, "a representative issues"): issuance(actor=Actor(7, "user:7")),
    (4012, "who only initiates, approves"): transfer(
        sender=replace(ANN, right="INITIATE"), actor=SECOND, moment=Moment.APPROVAL, initiator_id=7
    ),
    (4012, "who only approves, initiates"): transfer(sender=replace(ANN, right="APPROVE")),
    (4012, "a junior administrator approves"): issuance(actor=OTHER_JUNIOR, moment=Moment.APPROVAL, initiator_id=9),
    (4012, "a senior administrator of elsewhere approves"): issuance(
        actor=replace(SENIOR, roles=frozenset({"senior-registry-administrator@JP-13"})),
        moment=Moment.APPROVAL, initiator_id=9,
    ),
    (4013, "the registry itself, where it matters"): issuance(actor=REGISTRY),
    (4013, "nobody else may approve"): transfer(sender=replace(ANN, other_approvers=False)),
    (4013, "nobody else may approve a surrender"): surrender(sender=replace(PLANT, other_approvers=False)),
    (4013, "one is enough for who is trusted only"): transfer(
        sender=replace(ANN, one_person_trusted_transfer=True, other_approvers=False)
    ),
    (4013, "whoever initiates, approves"): transfer(moment=Moment.APPROVAL, initiator_id=7),
    (4013, "a senior administrator approves their own"): issuance(
        actor=SENIOR, moment=Moment.APPROVAL, initiator_id=8
    ),
    (4013, "the registry itself approves"): issuance(
        actor=REGISTRY, exercise=True, moment=Moment.APPROVAL, initiator_id=9
    ),
    (4014, "more than a day's limit"): transfer(sender=replace(ANN, limits=replace(LIMITS, used=91))),
    (4014, "more than a transaction's limit"): transfer(
        sender=replace(ANN, limits=replace(LIMITS, levels=(LimitFacts("account", 9, None),)))
    ),
    (4014, "more than a day's limit with what its batch sent before"): transfer(
        sender=replace(ANN, limits=LIMITS), sent_before={ANN.identifier: 1}
    ),
    (4014, "what waits beyond a lowered limit"): transfer(
        sender=replace(ANN, limits=replace(LIMITS, used=101)), moment=Moment.EXECUTION, initiator_id=7
    ),
    (4017, "to another registry"): transfer(acquirer=replace(BOB, jurisdiction="JP-13", registry="JP13")),
    (4017, "issued for another registry"): issuance(cap=replace(CAP, jurisdiction="JP-13")),
    (5001, "one more than the cap"): issuance(101),
    (5001, "a cap that is over"): issuance(cap=replace(CAP, valid=False)),
    (5001, "a cap of nobody"): issuance(cap=None),
    (5001, "a serial space not open"): issuance(cap=replace(CAP, next_serial=None)),
    (5001, "a conversion beyond a cap"): conversion(conversions={("CNBJ", "BEA"): replace(CONVERSION, left={2026: 9})}),
    (5001, "a conversion without a cap"): conversion(conversions={("CNBJ", "BEA"): replace(CONVERSION, left={2025: 10})}),
    (5017, "no rule"): conversion(conversions={}),
    (5017, "a year too late"): conversion(conversions={("CNBJ", "BEA"): replace(CONVERSION, year=2032)}),
    (5017, "of another registry's account"): conversion(sender=replace(PLANT, registry="JP13")),
    (5017, "what was carried over"): conversion(
        found=(named(1, 11, PLANT, piece=replace(piece(1, 11), recognition_id=3)),)
    ),
    (5017, "into another type than was recorded"): conversion(
        sender=replace(PLANT, right="APPROVE"), found=(named(1, 11, PLANT),), line={"becomes": "BED"},
        moment=Moment.APPROVAL, actor=SECOND, initiator_id=7,
    ),
    (5002, "another quantity"): allocation(allocation=replace(ALLOCATION, quantity=11)),
    (5002, "another installation"): allocation(allocation=replace(ALLOCATION, installation_id=31)),
    (5002, "another vintage"): allocation(allocation=replace(ALLOCATION, vintage=2025)),
    (5002, "a withheld row"): allocation(allocation=replace(ALLOCATION, withheld=True)),
    (5002, "a delivered row"): allocation(allocation=replace(ALLOCATION, delivered=True)),
    (5002, "a row of nobody"): allocation(allocation=None),
    (5003, "a table that nobody approved"): allocation(allocation=replace(ALLOCATION, approved=False)),
    (5004, "a vintage too late"): surrender(obligation=EARLY_ONLY, found=(named(1, 11, PLANT),)),
    (5004, "a vintage asked for too late"): surrender(obligation=EARLY_ONLY, line={"vintage": 2026}),
    (5005, "too early"): surrender(obligation=replace(OBLIGATION, opens_at=LATER)),
    (5005, "too late"): surrender(obligation=replace(OBLIGATION, closes_at=EARLIER)),
    (5006, "undone already"): reversal(replace(SURRENDERED, reversed=True)),
    (5007, "undone too late"): reversal(replace(SURRENDERED, completed_at=NOW - timedelta(days=30, microseconds=1))),
    (5008, "more than the excess"): returning(returns=replace(RETURNS, returned=31)),
    (5008, "another's allocation"): returning(returns=replace(RETURNS, installation_id=31)),
    (5008, "another vintage"): returning(returns=replace(RETURNS, vintage=2025)),
    (5008, "an allocation of nobody"): returning(returns=None),
    (5009, "no rule"): carry_over(carry_overs={}),
    (5009, "another type's rule"): carry_over(carry_overs={("CNBJ", "BEB"): BANKING}),
    (5009, "a vintage too late"): carry_over(carry_overs={("CNBJ", "BEA"): replace(BANKING, last_vintage=2025)}),
    (5009, "a vintage too early, by serials"): carry_over(
        carry_overs={("CNBJ", "BEA"): replace(BANKING, first_vintage=2027, last_vintage=2028)},
        found=(named(1, 11, ANN),),
    ),
    (5009, "into another period than was recorded"): carry_over(
        found=(named(1, 11, ANN),), line={"becomes": "2028"}, moment=Moment.APPROVAL, actor=SECOND, initiator_id=7
    ),
    (5009, "a second time"): carry_over(periods={0: "2027"}),
    (5009, "a second time, by serials"): carry_over(
        found=(named(1, 11, ANN, piece=replace(piece(1, 11), recognition_id=3)),)
    ),
    (5013, "a lapse before its time"): lapse(LATER),
    (5013, "a lapse of what is valid for ever"): lapse(None),
    (5013, "a transfer of what only lapses"): transfer(found=(named(1, 11, ANN, valid_until=NOW),)),
    (5014, "what was not completed"): reversal(replace(SURRENDERED, state="CANCELLED")),
    (5014, "what is not there"): transfer(
        sender=SUR, acquirer=PLANT, kind="10-82", actor=JUNIOR, found=(named(1, 11, SUR, retired=True),),
        proposal={"reverses": "nothing", "reason": "an order"},
    ),
    (5014, "what is not undone so"): reversal(replace(SURRENDERED, type="4-48")),
    (5014, "other serials"): reversal(replace(SURRENDERED, ranges=frozenset())),
    (5014, "another registry's"): reversal(replace(SURRENDERED, jurisdiction="JP-13")),
    (5014, "between different holders, without a reference"): correction(" "),
    (5016, "an account that is not closing"): transfer(kind="10-91"),
    (5010, "retired serials"): transfer(found=(named(1, 11, ANN, retired=True),)),
    (5011, "more than the holder may hold"): transfer(acquirer=replace(BOB, holding_limit=FULL)),
    (5011, "more than the holder may hold with what its batch brought before"): transfer(
        acquirer=replace(BOB, holding_limit=HOLDING_LIMIT), brought_before={(2, 1): 1}
    ),
    (5011, "what waits beyond a lowered holding limit"): transfer(
        acquirer=replace(BOB, holding_limit=replace(FULL, pending=111)), moment=Moment.EXECUTION
    ),
    (5015, "another's obligation"): surrender(obligation=replace(OBLIGATION, installation_id=31)),
    (5015, "an obligation of nobody"): surrender(obligation=None),
}  # fmt: skip
# Before a transaction is judged: by its state, or by the key of the request.
FOUND_ELSEWHERE = {3002, 3003, 3004}


def codes(context: Context) -> list[int]:
    return [failure.code for failure in checks.run(context)]


@pytest.mark.parametrize("case", GOOD)
def test_what_is_right_passes(case):
    assert codes(GOOD[case]) == []


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: f"{case[0]} {case[1]}")
def test_each_check_is_broken_alone(case, monkeypatch):
    code, context = case[0], BROKEN[case]
    assert set(codes(context)) == {code}
    kept = tuple(row for row in checks._judges() if row[0] != code)
    monkeypatch.setattr(checks, "_judges", lambda: kept)
    assert codes(context) == []


def test_every_check_is_broken_somewhere():
    # Those of links are broken in tests/linking/test_checks_of_links.py, which says so of every one.
    own = {code for code, row in CHECKS.items() if row.group is not Group.LINK}
    assert {code for code, _ in BROKEN} | FOUND_ELSEWHERE == own


def test_every_failure_is_told_at_once_in_the_order_of_codes():
    found = codes(transfer(acquirer=ANN, quantity=1_000, line={"vintage": 26}))
    assert found == sorted(found)
    assert set(found) == {2008, 4005, 4010}


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: f"{case[0]} {case[1]}")
def test_every_failure_has_a_text_that_it_fills(case):
    with translation.override("en"):
        for failure in checks.run(BROKEN[case]):
            told = text(f"check.{failure.code}.failed", **failure.params)
            assert "{" not in told
            assert not told.startswith("check.")


def test_every_check_has_a_rule_to_show_and_places_that_its_findings_fill():
    with translation.override("en"):
        for code in CHECKS:
            assert text(f"check.{code}") != f"check.{code}"
            assert "{" not in text(f"check.{code}")
            places = {name for _, name, _, _ in string.Formatter().parse(text(f"check.{code}.failed")) if name}
            given_params = [
                set(failure.params) for case in BROKEN if case[0] == code for failure in checks.run(BROKEN[case])
            ]
            assert all(places <= params for params in given_params), code


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("state", State)
def test_a_step_that_the_state_does_not_take_is_told_as_such(step, state):
    found = [failure.code for failure in checks.step_may_be_taken(step, state, "a transaction")]
    assert found == ([] if (step, state) in STEPS else [3003] if state in FINAL else [3002])


def test_a_code_is_used_once():
    with pytest.raises(CodeUsedTwice):
        check_table.check(4010)(lambda context: iter(()))
    with pytest.raises(CodeUsedTwice):
        check_table.add(Check(3004, "again", check_table.Group.SEQUENCE, False, "", None))


FAULTS = {
    "status": lambda sender: replace(sender, status="SUSPENDED"),
    "type": lambda sender: replace(sender, type="SUR", retires=True),
    "balance": lambda sender: sender,
}
ORDERS = st.tuples(
    st.sampled_from([pair for size in range(4) for pair in combinations(FAULTS, size)]),
    st.integers(-2, 200),
    st.sampled_from([None, 26, 2026]),
    st.booleans(),
)


@given(ORDERS)
def test_a_hidden_account_is_told_of_as_one_that_is_not_there(order):
    """Whatever else is wrong: a stranger learns nothing from an order in another's name, not even by serials."""
    faults, quantity, vintage, by_serials = order
    hidden = replace(ANN, right=None)
    for fault in faults:
        hidden = FAULTS[fault](hidden)
    found = (named(1, 11, hidden, bound=True, retired=True),) if by_serials else ()
    there = transfer(sender=hidden, quantity=quantity, free=100, found=found, line={"vintage": vintage})
    nobody = (named(1, 11, BOB),) if by_serials else ()
    missing = transfer(
        sender=hidden, quantity=quantity, free=0, pieces=(), found=nobody, line={"vintage": vintage},
        accounts={BOB.identifier: BOB},
    )  # fmt: skip
    assert _without_2009(there) == _without_2009(missing)
    assert 4001 in codes(there)


def _without_2009(context: Context) -> list[tuple[int, tuple[str, ...]]]:
    return [(failure.code, failure.subjects) for failure in checks.run(context) if failure.code != 2009]


def test_a_transaction_with_several_lines_is_judged_line_by_line():
    lines = tuple(Line(ANN.identifier, BOB.identifier, 10, registry="CNBJ", unit_type="BEA") for _ in range(3))
    found = tuple(
        LineFacts(line, free, (piece(free, free + 10),) if free else ())
        for line, free in zip(lines, (30, 20, 0), strict=True)
    )
    context = replace(transfer(), proposal=Proposal("10-50", lines), lines=found, type=TYPES["10-50"])
    assert codes(context) == [4010]
