"""The worker's row in ``authentik_tasks_workerstatus`` (§1.3, §11)."""

import socket
import time
from uuid import uuid4

from . import logs
from .database import Connection, OperationalError, connect
from .settings import Settings
from .version import HEARTBEAT_RECOVERS, at, read_version

# Every 30 s where the start takes 8.
SHARE = 30 / 8
LEAST_SECONDS = 0.5


class Heartbeat:
    """One row for each start of a worker; older rows stay.

    Up to 2025.10 it never beats again once its session was ended, although tasks go on.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._id = uuid4()
        self._connection: Connection | None = None
        self._due = 0.0

    def beat_if_due(self) -> None:
        """Write the row, if it is time to."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + max(self._settings.start_seconds * SHARE, LEAST_SECONDS)
        try:
            self._beat()
        except OperationalError as error:
            logs.failure("failed to update worker status", error, logger="authentik.tasks")
            self._connection = None
            if not at(HEARTBEAT_RECOVERS):
                self._due = float("inf")

    def _beat(self) -> None:
        if self._connection is None:
            self._connection = connect(self._settings)
        self._connection.execute(
            "INSERT INTO authentik_tasks_workerstatus (id, hostname, version, last_seen)"
            " VALUES (%s, %s, %s, now()) ON CONFLICT (id) DO UPDATE SET last_seen = now()",
            (self._id, socket.gethostname(), read_version()),
        )
        self._connection.commit()
