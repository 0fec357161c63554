"""What a degree says of its terms, later versions keep; and a role held everywhere is of no side."""

from datetime import timedelta

import pytest
from django.db import IntegrityError

from accounts.models import UserRole
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Actor, Role, role_name
from linking.models import Signature
from linking.operations.propose_instrument import propose_instrument
from linking.operations.sign_instrument import sign_instrument
from linking.rules.degrees import Degree
from linking.rules.terms import terms_from
from tests.linking.cities import NOW, Pilot, pilot, terms


def restricted() -> Pilot:
    """Link Beijing and Tokyo at *restricted*."""
    made = pilot()
    made.agree("CN-BJ", "JP-13", rate=(4, 5))
    made.agree("JP-13", "CN-BJ", net_flow_limit=1_000)
    made.raise_to(Degree.RESTRICTED, "CN-BJ", "JP-13")
    return made


@pytest.fixture
def world():
    return restricted


def second_version(made: Pilot):
    later = NOW + timedelta(days=40)
    document = terms_from(terms("CN-BJ", "JP-13", later, version=2))
    return propose_instrument(made.link("CN-BJ", "JP-13"), document, actor=made["JP-13"].officers[0], now=NOW)


def test_terms_without_a_restriction_are_not_signed_at_restricted(linked: Pilot):
    with pytest.raises(Refusal) as refusal:
        linked.sign(second_version(linked), "JP-13", "CN-BJ")
    assert (refusal.value.code, refusal.value.params["misfits"]) == (
        "terms-do-not-fit-the-degree",
        "restriction-missing",
    )


def test_postgresql_alone_refuses_terms_that_do_not_fit_the_degree(linked: Pilot, monkeypatch):
    monkeypatch.setattr("linking.operations.sign_instrument._refuse", lambda instrument, link, now: None)
    with pytest.raises(IntegrityError, match="at the degree restricted"):
        linked.sign(second_version(linked), "JP-13", "CN-BJ")


def test_whoever_has_a_role_everywhere_signs_for_no_side(linked: Pilot):
    instrument = second_version(linked)
    [actor, *_] = linked["CN-BJ"].officers
    UserRole.objects.create(user_id=actor.user_id, role=Role.SENIOR_REGISTRY_ADMINISTRATOR, jurisdiction=None)
    everywhere = Actor(actor.user_id, actor.name, actor.roles | {role_name(Role.SENIOR_REGISTRY_ADMINISTRATOR)})
    with pytest.raises(NotPermitted):
        sign_instrument(instrument.pk, digest=instrument.digest, actor=everywhere, now=NOW)
    with pytest.raises(IntegrityError, match="nobody signs for both sides"):
        Signature.objects.create(
            instrument=instrument, jurisdiction=linked["CN-BJ"].home, user_id=actor.user_id, at=NOW
        )
