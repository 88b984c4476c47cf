"""What the tests of the state folder and the journal share: jobs, and other processes."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.domain.backup_id import make_backup_id
from bot.domain.jobs import Job, JobKind, Trigger

NOW = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)
BOT = "1234567890"
HOUR = timedelta(hours=1)


def a_job(suffix: str = "k3f9", **changes: Any) -> Job:
    given = {"kind": JobKind.BACKUP, "trigger": Trigger.CLI, "actor": "root", "started": NOW}
    return Job(id=make_backup_id(NOW, suffix), **{**given, **changes})


@contextmanager
def child(*arguments: object) -> Iterator["subprocess.Popen[str]"]:
    """Another process, which does what `state_child` names; it is killed at the end."""
    command = [sys.executable, "-m", "tests.contracts.state_child", *map(str, arguments)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def go(process: "subprocess.Popen[str]") -> None:
    """Let a child that said "ready" go on."""
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


def modes(folder: Path) -> dict[str, int]:
    """The modes of *folder*, as ".", and of all in it."""
    return {
        str(each.relative_to(folder)): each.stat().st_mode & 0o777
        for each in (folder, *folder.rglob("*"))
    }


def open_files() -> list[str]:
    """What this process has open, by path."""
    found = []
    for each in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found.append(str(each.readlink()))
    return found
