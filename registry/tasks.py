"""Tasks of the registry. The broker only hints: what is due is found by rows."""

from celery import shared_task

from accounts import clock
from accounts.rules.access import registry_itself
from registry.operations import run_due as operation
from registry.operations import tally_turnovers as tallies


@shared_task
def run_due() -> None:
    """Run everything that is due now, in order."""
    operation.run_due(actor=registry_itself(), now=clock.now())


@shared_task
def tally_turnovers() -> None:
    """Take one step towards the sums of the days that are over."""
    tallies.tally_turnovers(now=clock.now())
