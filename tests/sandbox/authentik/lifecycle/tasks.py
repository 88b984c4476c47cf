"""The task queue: Celery's in Redis up to 2025.6, then a table (§10).

What is lost of it stops no login.
"""

from uuid import uuid4

from . import logs
from .broker import CELERY_QUEUE, BrokerError, open_broker
from .database import Connection
from .settings import Settings
from .version import CELERY, at


def enqueue(settings: Settings, connection: Connection, task: str) -> None:
    """Hand *task* to the worker."""
    if at(CELERY):
        try:
            open_broker(settings).lpush(CELERY_QUEUE, task)
        except BrokerError as error:
            logs.failure("Cannot enqueue task", error, logger="authentik.root.celery")
        return
    connection.execute(
        "INSERT INTO authentik_tasks_task (message_id, queue_name, actor_name, message, state,"
        " mtime, _messages, _previous_messages, aggregated_status, tenant_id)"
        " SELECT %s, 'default', %s, '', 'queued', now(), '[]', '[]', 'queued', tenant_uuid"
        " FROM authentik_tenants_tenant WHERE schema_name = 'public'",
        (uuid4(), task),
    )


def take_task(connection: Connection) -> str | None:
    """Do the oldest queued task of the table, if there is one; return its name."""
    done = connection.execute(
        "UPDATE authentik_tasks_task SET state = 'done', aggregated_status = 'done', mtime = now()"
        " WHERE message_id = (SELECT message_id FROM authentik_tasks_task WHERE state = 'queued'"
        " ORDER BY mtime LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING actor_name"
    ).fetchone()
    return str(done[0]) if done else None
