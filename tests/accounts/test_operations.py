"""Every act upon people and accounts: who may, what it refuses, and the one log entry that it leaves."""

import secrets
from collections.abc import Callable
from datetime import date, timedelta

import psycopg
import pytest
from django.db import IntegrityError, transaction

from accounts import clock
from accounts.api.authentication import ApiKeyAuthentication
from accounts.models import ApiKey, DatedRule, Deployment, InstallationOperator
from accounts.operations.change_operator import change_operator
from accounts.operations.create_api_key import create_api_key
from accounts.operations.move_clock_forward import move_clock_forward
from accounts.operations.nominate_representative import nominate_representative
from accounts.operations.revoke_api_key import revoke_api_key
from accounts.operations.set_rule import set_rule
from accounts.queries import operator_on, rule_in_force
from accounts.refusals import NotFound, NotPermitted, Refusal
from accounts.rules.access import PERMITTED, Act, Actor, Role, registry_itself, role_name
from accounts.rules.keys import Scope, hash_of
from accounts.rules.representatives import Rights
from audit.models import Entry
from tests.accounts.samples import NOBODY, NOON, REGISTRY, account, holder, installation, jurisdiction, user, with_role

DAY = timedelta(days=1)


def logged(event: str) -> int:
    return Entry.objects.filter(event=event).count()


def a_rule(actor: Actor = REGISTRY, since: date = date(2026, 1, 1), value: int = 5) -> DatedRule:
    return set_rule(
        jurisdiction=jurisdiction(), key="offset.limit", value=value, valid_from=since, confidence="RM", source="test",
        actor=actor, now=NOON,
    )  # fmt: skip


def a_key(actor: Actor = REGISTRY, lifetime: timedelta = DAY, scopes: tuple[Scope, ...] = (Scope.READ,)):
    return create_api_key(
        user=user(secrets.token_hex(4)),
        name="k",
        scopes=scopes,
        lifetime=lifetime,
        actor=actor,
        now=NOON,
        real_now=NOON,
    )


ACTS: dict[str, tuple[Callable[[Actor], object], str]] = {
    "set a rule": (a_rule, "rule.set"),
    "create a key": (a_key, "api-key.created"),
    "nominate": (
        lambda actor: nominate_representative(
            account=account(), user=user("n"), rights=Rights.INITIATE, actor=actor, now=NOON
        ),
        "representative.nominated",
    ),
    "change an operator": (
        lambda actor: change_operator(
            installation=installation(jurisdiction()),
            holder=holder(),
            valid_from=date(2026, 1, 1),
            actor=actor,
            now=NOON,
        ),
        "installation.operator-changed",
    ),
    "move the clock": (
        lambda actor: move_clock_forward(to=NOON + DAY, actor=actor, now=NOON),
        "deployment.clock-moved",
    ),
}


@pytest.mark.parametrize("act", ACTS)
def test_each_act_leaves_one_entry(db, act):
    run, event = ACTS[act]
    run(REGISTRY)
    assert logged(event) == 1


@pytest.mark.parametrize("act", ACTS)
def test_nobody_else_may_and_nothing_is_left(db, act):
    run, event = ACTS[act]
    for actor in (NOBODY, with_role(Role.AUDITOR), with_role(Role.SENIOR_REGISTRY_ADMINISTRATOR, "JP-13")):
        with pytest.raises(NotPermitted), transaction.atomic():
            run(actor)
    assert logged(event) == 0


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("act", Act)
def test_a_role_permits_just_what_the_table_says_and_only_where_it_is_held(act, role):
    here = Actor(1, "x", frozenset({role_name(role, "CN-BJ")}))
    everywhere = Actor(1, "x", frozenset({role_name(role)}))
    assert here.may(act, "CN-BJ") == everywhere.may(act, "CN-BJ") == everywhere.may(act) == (role in PERMITTED[act])
    assert not here.may(act, "KR-11")
    assert not here.may(act)


def test_the_registry_itself_holds_no_right_over_anybodys_account():
    assert registry_itself().user_id is None


def test_a_rule_takes_the_place_of_the_one_before_and_the_past_stays(db):
    a_rule(since=date(2025, 1, 1), value=5)
    a_rule(since=date(2026, 1, 1), value=10)
    home = jurisdiction()
    values = [rule_in_force(home, "offset.limit", date(year, 6, 1)) for year in (2024, 2025, 2026)]
    assert [rule and rule.value for rule in values] == [None, 5, 10]
    with pytest.raises(Refusal, match="rule-begins-later"):
        a_rule(since=date(2026, 1, 1), value=11)


def test_postgresql_alone_keeps_one_value_of_a_rule_a_day(db):
    rule = a_rule()
    with pytest.raises(IntegrityError), transaction.atomic():
        DatedRule.objects.create(
            jurisdiction=rule.jurisdiction, key=rule.key, value=7, valid_from="2026-05-01", confidence="V", source="x"
        )


def test_an_installation_has_one_operator_a_day_also_for_postgresql_alone(db):
    place = installation(jurisdiction())
    first, second = holder(name="First"), holder(name="Second")
    change_operator(installation=place, holder=first, valid_from=date(2021, 1, 1), actor=REGISTRY, now=NOON)
    change_operator(installation=place, holder=second, valid_from=date(2026, 1, 1), actor=REGISTRY, now=NOON)
    assert operator_on(place, date(2025, 12, 31)) == first
    assert operator_on(place, date(2026, 1, 1)) == second
    with pytest.raises(Refusal, match="operator-recorded-later"):
        change_operator(installation=place, holder=first, valid_from=date(2026, 1, 1), actor=REGISTRY, now=NOON)
    with pytest.raises(IntegrityError), transaction.atomic():
        InstallationOperator.objects.create(installation=place, holder=first, valid_from=date(2027, 1, 1))


def test_a_user_is_named_once_for_an_account(db):
    told = {"account": account(), "user": user(), "rights": Rights.INITIATE, "actor": REGISTRY, "now": NOON}
    nominate_representative(**told)
    with pytest.raises(Refusal, match="representative-named-already"):
        nominate_representative(**told)


def test_of_a_key_only_the_hash_is_kept(db):
    made = a_key()
    prefix, _, secret = made.printed.partition(".")
    row = ApiKey.objects.get(prefix=prefix)
    assert row.secret_hash == hash_of(secret)
    assert secret not in str(ApiKey.objects.values().get()) + str(list(Entry.objects.values_list("body")))


def test_a_key_lives_a_year_at_most_and_has_a_scope(db):
    for wrong in ({"lifetime": timedelta(days=367)}, {"lifetime": timedelta(0)}, {"scopes": ()}):
        with pytest.raises(Refusal, match="key-"):
            a_key(**wrong)


def test_users_make_and_revoke_their_own_keys_and_nobody_elses(db):
    owner, other = user("owner"), user("other")
    actor = Actor(owner.pk, "owner")
    told = {"name": "k", "scopes": (Scope.READ,), "lifetime": DAY, "now": NOON, "real_now": NOON}
    made = create_api_key(user=owner, actor=actor, **told)
    with pytest.raises(NotPermitted):
        create_api_key(user=other, actor=actor, **told)
    with pytest.raises(NotPermitted):
        revoke_api_key(prefix=made.key.prefix, actor=Actor(other.pk, "other"), now=NOON, real_now=NOON)
    with pytest.raises(NotFound):
        revoke_api_key(prefix="0" * 12, actor=actor, now=NOON, real_now=NOON)
    first = revoke_api_key(prefix=made.key.prefix, actor=actor, now=NOON, real_now=NOON)
    again = revoke_api_key(prefix=made.key.prefix, actor=actor, now=NOON + DAY, real_now=NOON + DAY)
    assert first.revoked_at == again.revoked_at == NOON
    assert logged("api-key.revoked") == 1


@pytest.mark.parametrize(
    ("change", "works"),
    [
        ({}, True),
        ({"revoked_at": NOON}, False),
        ({"expires_at": NOON + timedelta(seconds=1)}, False),
        ({"user__is_active": False}, False),
    ],
)
def test_a_key_works_until_it_is_revoked_expired_or_its_user_gone(db, client, change, works):
    real = clock.real_now()
    made = create_api_key(
        user=user(), name="k", scopes=(Scope.READ,), lifetime=DAY, actor=REGISTRY, now=NOON, real_now=real - DAY / 2
    )
    change = dict(change)
    if "expires_at" in change:
        change["expires_at"] = real - timedelta(seconds=1)
    if change.pop("user__is_active", None) is False:
        type(made.key.user).objects.filter(pk=made.key.user_id).update(is_active=False)
    if "revoked_at" in change:
        ApiKey.objects.filter(pk=made.key.pk).update(revoked_at=real)
    elif "expires_at" in change:
        made = create_api_key(
            user=made.key.user, name="k", scopes=(Scope.READ,), lifetime=DAY, actor=REGISTRY, now=NOON,
            real_now=real - DAY - timedelta(seconds=1),
        )  # fmt: skip
    answer = client.get("/api/v1/accounts", headers={"Authorization": f"Bearer {made.printed}"})
    assert answer.status_code == (200 if works else 401)


def test_the_clock_goes_forward_only(db):
    assert move_clock_forward(to=NOON + DAY, actor=REGISTRY, now=NOON) == NOON + DAY
    with pytest.raises(Refusal, match="clock-never-goes-back"):
        move_clock_forward(to=NOON - DAY, actor=REGISTRY, now=NOON)


def test_outside_an_exercise_the_clock_is_the_real_one(db, settings):
    settings.REGISTRY_MODE = "production"
    with pytest.raises(Refusal, match="clock-moves-only-in-exercise"):
        move_clock_forward(to=NOON + DAY, actor=REGISTRY, now=NOON)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_deployment SET clock_offset_seconds = clock_offset_seconds - 1",
        "UPDATE accounts_deployment SET mode = 'production'",
        "DELETE FROM accounts_deployment",
        "TRUNCATE accounts_deployment",
        "INSERT INTO accounts_deployment (id, mode, clock_offset_seconds) VALUES (2, 'pilot', 0)",
        "INSERT INTO accounts_deployment (id, mode, clock_offset_seconds) VALUES (1, 'pilot', 0)",
    ],
)
def test_postgresql_alone_keeps_the_mode_and_the_clock(owner, statement):
    owner.execute("UPDATE accounts_deployment SET clock_offset_seconds = 5")
    with pytest.raises(psycopg.errors.IntegrityError):
        owner.execute(statement)
    assert Deployment.objects.get().clock_offset_seconds == 5


def test_the_user_of_a_key_is_read_field_by_field(db, rf):
    """Values in another order than the model's fields would make a language of a truth value."""
    made = create_api_key(
        user=user(), name="k", scopes=(Scope.READ,), lifetime=DAY, actor=REGISTRY, now=NOON, real_now=clock.real_now()
    )
    type(made.key.user).objects.filter(pk=made.key.user_id).update(language="ja")
    known, key = ApiKeyAuthentication().authenticate(rf.get("/", headers={"Authorization": f"Bearer {made.printed}"}))
    stored = ApiKey.objects.get(pk=made.key.pk)
    read = {
        name: getattr(key, name) for name in ("id", "user_id", "name", "prefix", "secret_hash", "scopes", "expires_at")
    }
    assert read == {name: getattr(stored, name) for name in read}
    assert (known.pk, known.username, known.language, known.is_active) == (
        made.key.user_id,
        stored.user.username,
        "ja",
        True,
    )
