"""``ak worker``: migrates too, applies the blueprints, then beats and eats its queue (§1.2, §1.3).

Celery's queue and a heartbeat file up to 2025.6; then Dramatiq's queue and a row in the database,
and a port. A migration that fails ends it with exit code 1 (§5.3).
"""

import time
from threading import Event

from . import http_server, logs, version
from .blueprints import apply_blueprints
from .broker import CELERY_QUEUE, Broker, BrokerError, open_broker
from .database import OperationalError, connect
from .faults import Fault, fault
from .heartbeat import Heartbeat
from .migrate import run_migrations
from .settings import Settings
from .tasks import take_task
from .wait_for_db import wait_for_db
from .web import Request, Response

BEAT_SECONDS = 2
POLL_SECONDS = 0.5


def work(settings: Settings) -> None:
    """Start as the server does, then work for ever."""
    port = version.at(version.WORKER_PORT)
    consumers_up = Event()
    if port in {"always", "health"}:
        _listen(settings, consumers_up)
    settings.pause(0.4)
    wait_for_db(settings)
    run_migrations(settings)
    if fault() is Fault.WORKER_HANGS:
        Event().wait()
    apply_blueprints(settings)
    settings.pause(0.5)
    consumers_up.set()
    if port == "database":
        _listen(settings, consumers_up)
    settings.pid_file.write_text("1")  # dumb-init's, which ends when we do
    if version.at(version.CELERY):
        _work_on_celery(settings)
    _work_on_database(settings)


def _work_on_celery(settings: Settings) -> None:
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


def _work_on_database(settings: Settings) -> None:
    logs.event("Worker process is ready.", logger="dramatiq.WorkerProcess(0)")
    heartbeat = Heartbeat(settings)
    while True:
        heartbeat.beat_if_due()
        try:
            with connect(settings) as connection:
                task = take_task(connection)
        except OperationalError as error:
            logs.failure("Consumer encountered an error", error, logger="dramatiq.worker")
            task = None
        if task:
            logs.event("Task finished", logger="authentik.tasks", task=task)
        else:
            time.sleep(POLL_SECONDS)


def _listen(settings: Settings, consumers_up: Event) -> None:
    """Answer on the port that is not published (§1.1)."""

    def answer(request: Request) -> Response:
        port = version.at(version.WORKER_PORT)
        if port == "always":
            return Response(200)
        if port == "health" and request.path not in {"/-/health/live/", "/-/health/ready/"}:
            return Response(404)
        if not consumers_up.is_set():
            return Response(503)
        needs_database = port == "database" or request.path == "/-/health/ready/"
        return Response(200 if not needs_database or _reaches_database(settings) else 503)

    http_server.run(http_server.make_server(settings.http, answer))


def _reaches_database(settings: Settings) -> bool:
    try:
        connect(settings).close()
    except OperationalError:
        return False
    return True
