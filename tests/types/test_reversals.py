"""Reversals and corrections: a new transaction, once, in time, all the same serials or nothing, by two administrators."""

from datetime import date, timedelta

import psycopg
import pytest

from accounts.models import DatedRule
from accounts.refusals import NotFound
from registry.compliance_queries import obligations_of
from registry.models import Holding, Transaction, UnitBlock
from registry.operations.approve import approve
from registry.operations.outcome import Refused
from registry.operations.refuse import refuse
from registry.operations.reverse import reverse
from registry.rules.states import State
from tests.build import NOW
from tests.types.conftest import Office

DAY = timedelta(days=1)


def codes(refusal: pytest.ExceptionInfo[Refused]) -> set[int]:
    return {failure.code for failure in refusal.value.failures}


def holder_of(serial: int) -> str:
    account = UnitBlock.objects.get(start_no__lte=serial, end_no__gt=serial).account
    assert account is not None
    return account.name


def surrendered(office: Office):
    made = office.made
    obligation = made.obligation("plant")
    return made.move("plant", "SUR", 50, (611, 661), type_code="10-2", obligation=obligation.pk), obligation


def test_a_surrender_is_reversed_by_two_administrators_and_its_units_are_back(office: Office):
    outcome, obligation = surrendered(office)
    assert holder_of(611) == "SUR"
    place = office.made.accounts["plant"].installation
    [before] = obligations_of(place, at=NOW)
    assert before.surrendered == 50
    proposed = reverse(outcome.transaction_id, reason="an order", actor=office.junior, now=NOW + DAY)
    assert (proposed.type, proposed.state, proposed.ranges) == ("10-82", State.AWAITING_APPROVAL, ())
    assert holder_of(611) == "SUR"
    done = approve(proposed.transaction_id, actor=office.senior, now=NOW + 2 * DAY)
    assert done.state == State.COMPLETED
    assert {holder_of(serial) for serial in (611, 660)} == {"plant"}
    assert Holding.objects.get(account=office.made.accounts["plant"]).quantity == 200
    [after] = obligations_of(place, at=NOW + 2 * DAY)
    [as_it_was] = obligations_of(place, at=NOW + DAY)
    assert (after.surrendered, as_it_was.surrendered) == (0, 50)
    # They are as any other units of the account: surrendered again, and not by the old reversal free again.
    office.made.move("plant", "SUR", 50, (611, 661), type_code="10-2", obligation=obligation.pk)
    assert holder_of(611) == "SUR"


def test_a_transaction_is_reversed_once_but_again_after_a_refused_attempt(office: Office):
    outcome, _ = surrendered(office)
    first = reverse(outcome.transaction_id, reason="an order", actor=office.junior, now=NOW)
    with pytest.raises(Refused) as second:
        reverse(outcome.transaction_id, reason="an order", actor=office.junior, now=NOW)
    assert codes(second) == {5006}
    refuse(first.transaction_id, actor=office.senior, now=NOW)
    again = reverse(outcome.transaction_id, reason="an order", actor=office.junior, now=NOW)
    assert approve(again.transaction_id, actor=office.senior, now=NOW).state == State.COMPLETED
    with pytest.raises(Refused) as last:
        reverse(outcome.transaction_id, reason="an order", actor=office.junior, now=NOW)
    # Its units are not there any more, either.
    assert codes(last) == {4008, 5006}


@pytest.mark.parametrize("days", [30, 5])
def test_the_limit_is_the_dated_rules_to_the_second(office: Office, days):
    if days != 30:
        DatedRule.objects.create(
            jurisdiction=office.made.home, key="transaction.reversal-limit", valid_from=date(2026, 1, 1),
            value={"days": days}, confidence="D", source="test",
        )  # fmt: skip
    outcome, _ = surrendered(office)
    late = NOW + timedelta(days=days, seconds=1)
    with pytest.raises(Refused) as refusal:
        reverse(outcome.transaction_id, reason="an order", actor=office.junior, now=late)
    assert codes(refusal) == {5007}
    proposed = reverse(outcome.transaction_id, reason="an order", actor=office.junior, now=late - timedelta(seconds=1))
    # What was proposed in time may be approved after it.
    assert approve(proposed.transaction_id, actor=office.senior, now=late).state == State.COMPLETED


def test_who_initiated_a_reversal_does_not_approve_it_and_no_junior_does(office: Office):
    outcome, _ = surrendered(office)
    proposed = reverse(outcome.transaction_id, reason="an order", actor=office.senior, now=NOW)
    for actor, expected in ((office.senior, {4013}), (office.junior, {4012})):
        with pytest.raises(Refused) as refusal:
            approve(proposed.transaction_id, actor=actor, now=NOW)
        assert codes(refusal) == expected


def test_a_representative_learns_nothing_of_reversing(office: Office):
    outcome, _ = surrendered(office)
    with pytest.raises(NotFound):
        reverse(outcome.transaction_id, reason="mine", actor=office.made.representative, now=NOW)


def test_a_voluntary_cancellation_is_reversed(office: Office):
    outcome = office.made.move("plant", "CAN", 10, (601, 611), type_code="4-0", reason="for the climate")
    proposed = reverse(outcome.transaction_id, reason="a mistake of the office", actor=office.junior, now=NOW)
    assert proposed.type == "10-190"
    approve(proposed.transaction_id, actor=office.senior, now=NOW)
    assert holder_of(601) == "plant"


def test_a_cancellation_by_order_is_for_ever(office: Office):
    outcome = office.made.move("plant", "MCN", 10, (601, 611), type_code="4-48", reason="an order")
    with pytest.raises(Refused) as refusal:
        reverse(outcome.transaction_id, reason="an order", actor=office.junior, now=NOW)
    assert codes(refusal) == {5014}


def test_a_transfer_between_different_holders_is_final_without_a_reference(office: Office):
    moved = office.made.move("ISS", "stranger", 20, (1, 21))
    with pytest.raises(Refused) as refusal:
        reverse(moved.transaction_id, reason="wrong account", actor=office.junior, now=NOW)
    assert codes(refusal) == {5014}
    corrected = reverse(
        moved.transaction_id, reason="wrong account", reference="consent 7", actor=office.junior, now=NOW
    )
    assert (corrected.type, corrected.state) == ("10-55", State.AWAITING_APPROVAL)
    # All the same serials, reserved where they are now.
    assert Holding.objects.get(account=office.made.accounts["stranger"]).reserved == 20
    assert approve(corrected.transaction_id, actor=office.senior, now=NOW).state == State.COMPLETED
    assert holder_of(1) == "ISS"


def test_what_has_gone_on_is_not_taken_back(office: Office):
    moved = office.made.move("ISS", "ann", 20, (1, 21))
    office.made.move("ann", "bob", 1, (20, 21))
    with pytest.raises(Refused) as refusal:
        reverse(moved.transaction_id, reason="wrong account", reference="consent 7", actor=office.junior, now=NOW)
    assert codes(refusal) == {4008}


def test_postgresql_alone_refuses_a_reversal_that_takes_other_serials(office: Office, owner):
    """The owner records by hand: one unit more than was surrendered, a second time, too late, or of a type that is not undone."""
    outcome, _ = surrendered(office)
    accounts = office.made.accounts
    insert = (
        "INSERT INTO registry_transaction (id, type_id, state, jurisdiction_id, transferring_id, acquiring_id, quantity,"
        " reverses_id, initiator_id, proposed_at, completed_at, reason) VALUES (%(id)s, %(type)s, 'COMPLETED', %(home)s,"
        " %(sender)s, %(acquirer)s, %(quantity)s, %(original)s, NULL, %(at)s, %(at)s, 'x')"
    )
    ranges = (
        "INSERT INTO registry_transactionblock (transaction_id, origin_id, first_no, next_no, series_id, from_account_id,"
        " to_account_id) VALUES (%(id)s, %(home)s, %(first)s, %(next)s, %(series)s, %(sender)s, %(acquirer)s)"
    )
    honest = {
        "id": "01900000-0000-7000-8000-000000000001", "type": "10-82", "home": office.made.home.pk,
        "sender": accounts["SUR"].pk, "acquirer": accounts["plant"].pk, "quantity": 50, "original": outcome.transaction_id,
        "at": NOW, "first": 611, "next": 661, "series": Holding.objects.values_list("series", flat=True).first(),
    }  # fmt: skip

    def attempt(**changes: object) -> None:
        with owner.transaction():
            owner.execute(insert, honest | changes)
            owner.execute(ranges, honest | changes)

    for changes in (
        {"quantity": 49, "next": 660},
        {"type": "10-190"},
        {"acquirer": accounts["ann"].pk},
        {"at": NOW + timedelta(days=31)},
        {"original": Transaction.objects.filter(type_id="10-50")[0].pk},
    ):
        with pytest.raises(psycopg.errors.IntegrityError):
            attempt(**changes)
    attempt()
    with pytest.raises(psycopg.errors.IntegrityError):
        attempt(id="01900000-0000-7000-8000-000000000002")
    assert holder_of(611) == "plant"
