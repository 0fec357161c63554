"""A corridor's replay in the administration: asked by who may read the link; nothing is changed by it."""

from django.urls import reverse

from audit.models import Entry
from tests.admin.test_links import PAIR, client_of, page_of
from tests.linking.cities import Pilot
from tests.linking.test_replay_api import world  # noqa: F401


def test_changed_terms_are_shown_beside_what_was_and_nothing_is_changed(begun: Pilot):
    link, corridor = begun.link(*PAIR), begun.corridor(*PAIR)
    client, before = client_of("jp-junior"), Entry.objects.count()
    asked = {"corridor": corridor.pk, "replay": "yes"}
    assert 'id="replayed"' in page_of(client, "link_replay", link.pk, **asked, numerator=1, denominator=2)
    assert 'id="replayed"' in page_of(client, "link_replay", link.pk, **asked, degree="none")
    assert 'id="replayed"' not in page_of(client, "link_replay", link.pk, **asked, numerator=8, denominator=10)
    assert Entry.objects.count() == before


def test_a_third_city_cannot_ask(begun: Pilot):
    address = reverse("admin:linking_link_replay", args=[begun.link(*PAIR).pk])
    assert client_of("kr-senior").get(address, {"corridor": begun.corridor(*PAIR).pk}).status_code == 404
