"""The registry itself proposes only where a record was approved before, or where everything is an exercise."""

import pytest

from accounts.models import Deployment
from accounts.rules.access import Role
from registry.operations.issue import issue
from registry.operations.load_allocation_table import approve_allocation_table, load_allocation_table
from registry.operations.outcome import Refused
from registry.operations.propose import propose
from registry.operations.run_allocation import run_allocation
from registry.rules.proposal import Proposal
from registry.rules.states import State
from tests.build import NOW, REGISTRY, Beijing
from tests.ledger.test_forged_plans import everything, plan_of, without
from tests.lifecycle.market import administrator, balance, codes, transfer
from tests.lifecycle.test_forged_steps import told


@pytest.fixture
def in_production(registry: Beijing, owner) -> Beijing:
    """The market, in a deployment that was made for production: fixed when it is made, so it is changed here by force."""
    owner.execute("ALTER TABLE accounts_deployment DISABLE TRIGGER deployment_lasts")
    owner.execute("UPDATE accounts_deployment SET mode = 'production'")
    owner.execute("ALTER TABLE accounts_deployment ENABLE TRIGGER deployment_lasts")
    assert Deployment.objects.get().mode == "production"
    return registry


def test_in_production_the_registry_itself_proposes_nothing(in_production: Beijing):
    made = in_production
    with pytest.raises(Refused) as refused:
        issue(cap_id=made.caps[2026].pk, acquiring=made["ISS"], quantity=10, actor=REGISTRY, now=NOW)
    assert codes(refused.value) == {4013}
    for kind, acquirer in (("10-50", "ava"), ("10-37", "ava"), ("4-48", "MCN")):
        order = Proposal(kind, (made.line("ISS", acquirer, 10),), reason="an order" if kind == "4-48" else "")
        with pytest.raises(Refused) as refused:
            propose(order, actor=REGISTRY, now=NOW)
        assert codes(refused.value) == {4013}
    assert balance(made, "ISS") == (450, 0)


def test_an_approved_table_is_delivered_by_the_registry_itself_in_production_too(in_production: Beijing):
    made = in_production
    loader = administrator(made, Role.JUNIOR_REGISTRY_ADMINISTRATOR, "loader")
    table = load_allocation_table(
        b"installation,unit_type,vintage,quantity\nmill,BEA,2026,30\n",
        jurisdiction=made.home, name="2026.csv", actor=loader, now=NOW,
    )  # fmt: skip
    approve_allocation_table(
        table=table, actor=administrator(made, Role.SENIOR_REGISTRY_ADMINISTRATOR, "approver"), now=NOW
    )
    run = run_allocation(table=table, transferring=made["ISS"], actor=REGISTRY, now=NOW)
    assert (run.delivered, balance(made, "mill")) == (1, (80, 0))


ALONE = {
    "a transfer": ("10-50", "ann", "bob", 601, 611),
    "a cancellation": ("4-0", "ann", "CAN", 601, 611),
    "an issuance": ("1-0", None, "ISS", 1_001, 1_011),
    "an auction delivery": ("10-37", "ISS", "ann", 1, 11),
}


@pytest.mark.parametrize("act", ALONE)
def test_postgresql_refuses_what_nobody_proposed(in_production: Beijing, owner, as_application_role, act):
    """A forged plan without a person, with its negative control; in exercise mode the same plan is carried out."""
    was, plan = everything(owner), plan_of(in_production, *ALONE[act])
    guard = (
        "registry_range_takes_effect",
        "NOT EXISTS (SELECT FROM accounts_deployment WHERE mode = 'exercise')",
        "false",
    )
    refused = told(as_application_role, "registry_effect", plan)
    assert refused is not None
    assert "is proposed by a person" in refused
    with without(owner, [guard]):
        assert told(as_application_role, "registry_effect", plan) is None
    assert everything(owner) == was


@pytest.mark.parametrize("act", ALONE)
def test_in_an_exercise_the_same_plan_is_carried_out(registry: Beijing, as_application_role, act):
    assert told(as_application_role, "registry_effect", plan_of(registry, *ALONE[act])) is None


def test_people_act_in_production_as_they_do_in_an_exercise(in_production: Beijing):
    assert transfer(in_production).state == State.AWAITING_APPROVAL
    assert transfer(in_production, "ann", "bob").state == State.COMPLETED
