"""Tasks of the house itself: the sign of life of beat and worker."""

from typing import Any

import redis
from celery import shared_task
from celery.signals import beat_init
from django.conf import settings

from config.heartbeat import HEARTBEAT_KEY, HEARTBEAT_LASTS_SECONDS


@shared_task
def heartbeat() -> None:
    """Leave a mark that beat has ticked and a worker did what it asked."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.set(HEARTBEAT_KEY, 1, ex=HEARTBEAT_LASTS_SECONDS)


@beat_init.connect
def first_heartbeat(**kwargs: Any) -> None:
    """Let beat give its sign as soon as it runs: its schedule would first wait one period."""
    heartbeat.delay()
