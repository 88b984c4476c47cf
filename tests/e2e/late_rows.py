"""A row that somebody writes between an update's backup and its fence: no rollback may lose it."""

import json
import secrets
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.akbot import Akbot
from tests.e2e.test_backup import wait_until
from tests.e2e.test_kills import newest_job
from tests.sandbox.fixture import Sandbox

_TABLE = "authentik_core_group"


@dataclass(frozen=True)
class LateRow:
    """A group; *backup* is the one that was under way, *groups* how many it must have."""

    name: str
    backup: str
    groups: int

    def came_back(self, stack: Sandbox, bot: Akbot) -> None:
        """It is there, once, and was not in the backup; afterwards it is gone."""
        [manifest] = Path(bot.environment["AKBOT_STORE"].removeprefix("file://")).glob(
            f"*/{self.backup}/manifest.json"
        )
        rows = json.loads(manifest.read_text())["database"]["rows"]
        assert rows[f"public.{_TABLE}"] == self.groups, "it was written after the snapshot"
        [[count]] = stack.psql(f"SELECT count(*) {self._row}")
        assert count == "1", "it was written before the fence"
        stack.psql(f"DELETE {self._row}")

    @property
    def _row(self) -> str:
        return f"FROM {_TABLE} WHERE name = '{self.name}'"


def write_late(stack: Sandbox, bot: Akbot, process: "subprocess.Popen[str]") -> LateRow:
    """Write one while the update that *process* has begun stores its backup.

    It stands still meanwhile: what is stored is of a snapshot that was taken before.
    """
    [[before]] = stack.psql(f"SELECT count(*) FROM {_TABLE}")
    wait_until(lambda: newest_job(bot)[1].startswith("store "), "the backup has its snapshot")
    process.send_signal(signal.SIGSTOP)
    backup, step = newest_job(bot)
    assert step.startswith(("store ", "commit")), "nobody was sent away yet"
    row = LateRow(f"late {secrets.token_hex(8)}", backup, int(before))
    stack.psql(
        f"INSERT INTO {_TABLE} (group_uuid, name, is_superuser, attributes)"
        f" VALUES (gen_random_uuid(), '{row.name}', false, '{{}}')"
    )
    process.send_signal(signal.SIGCONT)
    return row
