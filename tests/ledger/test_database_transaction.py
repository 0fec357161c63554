"""BEGIN goes with the first statement and COMMIT with the last: what that must not change."""

import pytest
from django.db import OperationalError, connection, transaction
from psycopg.errors import SerializationFailure

from accounts import database
from registry import ledger
from registry.database_transaction import ATTEMPTS, DatabaseTransaction, in_one_database_transaction
from registry.facts import Facts
from registry.models import Holding, Series, Transaction
from tests.build import Beijing


class GoneWrong(Exception):
    pass


def units(registry: Beijing, name: str) -> int:
    return sum(Holding.objects.filter(account=registry.accounts[name]).values_list("quantity", flat=True))


def test_a_transfer_is_committed_and_leaves_no_transaction_open(registry):
    before = units(registry, "bob")
    registry.move("ann", "bob", 5)
    assert not database.in_transaction()
    connection.close()
    assert units(registry, "bob") == before + 5


def test_inside_djangos_transaction_it_is_undone_with_it(registry):
    """Also where its statement is the first there, before which Django has sent no BEGIN yet."""
    before = units(registry, "bob")
    connection.close()
    with transaction.atomic():
        registry.move("ann", "bob", 5)
        assert units(registry, "bob") == before + 5
        transaction.set_rollback(True)
    assert units(registry, "bob") == before
    with transaction.atomic():
        registry.move("ann", "bob", 5)
    connection.close()
    assert units(registry, "bob") == before + 5


def test_a_story_that_breaks_off_undoes_what_it_asked(registry):

    def story(asked: DatabaseTransaction) -> None:
        cap = registry.caps[2026].pk
        assert asked.ask("registry_series_of", cap, "a project", "") is not None
        assert Series.objects.filter(project="a project").exists()
        assert database.in_transaction()
        raise GoneWrong

    with pytest.raises(GoneWrong):
        in_one_database_transaction(story)
    assert not database.in_transaction()
    assert not Series.objects.filter(project="a project").exists()


def test_a_stale_decision_is_made_again_so_often_and_then_told(registry, monkeypatch):
    """The database says so itself: the effect asks for serials that another holds."""
    attempts = []
    read = ledger.read

    def late(*arguments: object, **more: object) -> Facts:
        facts = read(*arguments, **more)
        attempts.append(facts)
        for pool in facts.pools.values():
            for place, piece in enumerate(pool.pieces):
                pool.pieces[place] = type(piece)(piece.origin_id, 801, 806, piece.series_id, 0, piece.vintage)
        return facts

    monkeypatch.setattr(ledger, "read", late)
    with pytest.raises(OperationalError) as told:
        registry.move("ann", "bob", 5)
    assert isinstance(told.value.__cause__, SerializationFailure)
    assert len(attempts) == ATTEMPTS
    assert not database.in_transaction()


@pytest.mark.parametrize("text", ["a'b", 'a"b', "a\\b", "a\nb", "北京 서울 東京", "$1 %s {x}", "; COMMIT"])
def test_any_text_arrives_as_it_was_sent(registry, text):
    outcome = registry.move("ann", "bob", 5, reason=text)
    assert Transaction.objects.get(pk=outcome.transaction_id).reason == text
