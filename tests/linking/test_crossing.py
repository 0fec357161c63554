"""Units cross a link: out, home and onward, at what they count as, within the quotas."""

from registry.models import UnitBlock
from registry.rules.states import State
from tests.linking.cities import Pilot


def test_units_sent_abroad_keep_their_serials_and_count_at_the_rate_of_their_terms(linked: Pilot):
    outcome = linked.send(("CN-BJ", "ann"), ("JP-13", "ann"), 100)
    assert outcome.state == State.COMPLETED
    block = UnitBlock.objects.get(account=linked["JP-13"].accounts["ann"], origin=linked["CN-BJ"].home)
    assert (block.end_no or 0) - block.start_no == 100
    assert (block.recognition.rate_numerator, block.recognition.rate_denominator) == (4, 5)


def test_units_go_home_as_they_left(linked: Pilot):
    out = linked.send(("CN-BJ", "ann"), ("JP-13", "ann"), 100)
    serials = (out.ranges[0].first, out.ranges[0].next)
    home = linked.send(("JP-13", "ann"), ("CN-BJ", "bob"), 100, serials, issuer="CN-BJ")
    assert home.state == State.COMPLETED
    block = UnitBlock.objects.get(account=linked["CN-BJ"].accounts["bob"])
    assert (block.start_no, block.end_no, block.recognition_id) == (*serials, 0)
