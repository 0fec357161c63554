"""A frozen account: nothing leaves it, nothing arrives."""

import pytest

from accounts.models import Account
from accounts.refusals import NotFound
from registry.operations.freeze import freeze_account
from registry.operations.outcome import Refused
from tests.freezes.people import Staffed


def is_frozen(staff: Staffed, name: str) -> bool:
    return Account.objects.get(pk=staff.registry.accounts[name].pk).frozen


def test_a_frozen_account_neither_sends_nor_receives_until_every_freeze_of_it_is_released(staff: Staffed):
    first, second = staff.freeze_account("bob"), staff.freeze_account("bob", actor=staff.authority)
    for pair, code in ((("bob", "ann"), 4003), (("ann", "bob"), 4004)):
        with pytest.raises(Refused) as refused:
            staff.registry.move(*pair, 10)
        assert [failure.code for failure in refused.value.failures] == [code]
    staff.lift(first)
    assert is_frozen(staff, "bob")
    staff.lift(second)
    assert not is_frozen(staff, "bob")
    assert staff.registry.move("bob", "ann", 10).quantity == 10


def test_a_frozen_account_that_retires_units_takes_none_in(staff: Staffed):
    staff.freeze_account("CAN")
    with pytest.raises(Refused) as refused:
        staff.registry.move("ann", "CAN", 10, type_code="4-0", reason="ours")
    assert {failure.code for failure in refused.value.failures} == {4004}


def test_no_account_of_that_name(staff: Staffed):
    with pytest.raises(NotFound):
        freeze_account("CNBJ-TRA-9-00", **staff.usual())
