"""`manage.py seed_links`: the demo's three links, a year of transfers across them, and what waits."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts import clock
from linking.operations.seed_links import seed_links


class Command(BaseCommand):
    help = "Seeds the pilot's links after seed_pilot: what is there stays, what is missing is made."

    def handle(self, *args: Any, **options: Any) -> None:
        seed_links(now=clock.now())
        self.stdout.write("links seeded")
