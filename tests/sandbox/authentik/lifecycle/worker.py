"""``ak worker``: migrates too, applies the blueprints, then beats and eats Celery's queue (§1.2).

It listens on no port up to 2025.6, and a migration that fails ends it with exit code 1 (§5.3).
"""

import time

from . import logs
from .blueprints import apply_blueprints
from .broker import CELERY_QUEUE, Broker, BrokerError, open_broker
from .migrate import run_migrations
from .settings import Settings
from .wait_for_db import wait_for_db

BEAT_SECONDS = 2


def work(settings: Settings) -> None:
    """Start as the server does, then work for ever."""
    settings.pause(0.4)
    wait_for_db(settings)
    run_migrations(settings)
    apply_blueprints(settings)
    settings.pause(0.5)
    logs.event("celery@authentik-worker ready.", logger="celery.apps.worker")
    broker = open_broker(settings)
    while True:
        settings.heartbeat_file.touch()
        _consume(broker)


def _consume(broker: Broker) -> None:
    """Take one task, or wait for one until the next beat."""
    try:
        task = broker.brpop([CELERY_QUEUE], timeout=BEAT_SECONDS)
    except BrokerError as error:
        logs.failure(
            "consumer: Cannot connect to redis. Trying again",
            error,
            logger="celery.worker.consumer",
        )
        time.sleep(BEAT_SECONDS)
    else:
        if task:
            logs.event("Task finished", logger="authentik.root.celery", task=task[1].decode())
