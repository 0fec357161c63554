"""Tasks of the house itself: the sign of life of beat and worker."""

import redis
from celery import shared_task
from django.conf import settings

HEARTBEAT_KEY = "registry:heartbeat"
HEARTBEAT_LASTS_SECONDS = 30


@shared_task
def heartbeat() -> None:
    """Leave a mark that beat has ticked and a worker did what it asked."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.set(HEARTBEAT_KEY, 1, ex=HEARTBEAT_LASTS_SECONDS)
