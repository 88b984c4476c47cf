"""What a check found: one line each, with the way to mend it."""

import shlex
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.catalogue import BackupRecord, BackupState, newest_good
from bot.domain.stack import Container, Mount, Role, Stack


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True)
class Finding:
    """One line: *subject* is what was looked at, *remedy* one imperative sentence or ""."""

    subject: str
    level: Level
    message: str
    remedy: str = ""


@dataclass(frozen=True)
class DiskUsage:
    """A file system: *device* tells two of them apart; sizes in bytes."""

    device: int
    free: int
    total: int


def worst(findings: Iterable[Finding]) -> Level:
    """The worst level among them."""
    levels = {finding.level for finding in findings}
    return next((level for level in reversed(Level) if level in levels), Level.OK)


@dataclass(frozen=True)
class FileStatus:
    """Whose a file is and who may read it, as `stat` numbers them; *reader* is this process."""

    mode: int
    owner: int
    reader: int

    @property
    def readers(self) -> str:
        """Who else can read it; "" for nobody, and for a group whose right the reader lives on."""
        if not stat.S_ISREG(self.mode):
            return ""
        if self.mode & stat.S_IROTH:
            return "everybody on this host"
        return "its group" if self.mode & stat.S_IRGRP and self._is_the_readers else ""

    @property
    def _is_the_readers(self) -> bool:
        return self.reader in {_ROOT, self.owner}

    @property
    def way_to_own(self) -> str:
        """What must come before `chmod 600`, so that this process can still read it."""
        return "" if self._is_the_readers else "make it the bot's own (chown), then "


_ROOT = 0


def judge_secret_file(subject: str, path: str, status: FileStatus) -> Finding | None:
    """A warning where others can read the file of a secret; *subject* is what names that file."""
    if not status.readers:
        return None
    return Finding(
        subject,
        Level.WARNING,
        f'{status.readers} can read "{path}"',
        f"To mend it, {status.way_to_own}run: chmod 600 {shlex.quote(path)}",
    )


def judge_service(role: Role, container: Container | None) -> Finding:
    """Whether a service of the stack runs."""
    if container is None:
        if role is Role.REDIS:
            return Finding(
                role, Level.OK, "the stack has none (Authentik needs none from 2025.10 on)"
            )
        return Finding(role, Level.WARNING, "there is no such container", "Start the whole stack.")
    name = f'"{container.name}"'
    if not container.running:
        return Finding(
            role,
            Level.FAILURE,
            f"{name} is {container.state}",
            f'Run "docker compose up -d {container.service}" and look at its log.',
        )
    if container.health == "unhealthy":
        return Finding(
            role,
            Level.FAILURE,
            f"{name} runs, but its health check fails",
            f'Look at "docker compose logs {container.service}".',
        )
    words = container.health or "no health check"
    if container.health == "starting":
        return Finding(role, Level.WARNING, f"{name} is starting", "Wait a minute, check again.")
    return Finding(role, Level.OK, f"{name} runs ({words})")


_LEAST_FREE_SHARE = 0.1


def judge_disk(subject: str, usage: DiskUsage) -> Finding:
    """Whether a file system has room left."""
    free, total = usage.free / 1e9, usage.total / 1e9
    message = f"{free:.1f} GB of {total:.0f} GB free"
    if usage.free < usage.total * _LEAST_FREE_SHARE:
        return Finding(
            subject, Level.WARNING, message, "Make room: a full disk stops the database."
        )
    return Finding(subject, Level.OK, message)


_CLOCK_SLACK = timedelta(minutes=5)


def judge_clock(now: datetime, records: Sequence[BackupRecord]) -> Finding:
    """Whether the clock agrees with the backups that exist: their names sort by it."""
    trusted = [each for each in records if each.state is not BackupState.NOT_TRUSTED]
    newest = max((record.created for record in trusted if record.summary), default=None)
    if newest is not None and now + _CLOCK_SLACK < newest:
        return Finding(
            "clock",
            Level.FAILURE,
            f"it says {now:%Y-%m-%d %H:%M} UTC, the newest backup is from {newest:%Y-%m-%d %H:%M}",
            "Set the host's clock (timedatectl set-ntp true).",
        )
    return Finding("clock", Level.OK, f"{now:%Y-%m-%d %H:%M} UTC")


def judge_spread(records: Sequence[BackupRecord]) -> Finding | None:
    """Whether the newest good backup lies in every store; None where there is one store."""
    newest = newest_good(records)
    if newest is None or not newest.lacking:
        return None
    return Finding(
        "stores",
        Level.WARNING,
        f"the newest good backup {newest.id} is not in {', '.join(newest.lacking)}",
        'Mend that store; the next backup, or "akbot copy", brings it what it lacks.',
    )


def judge_shared_disk(store: DiskUsage | None, database: DiskUsage | None) -> Finding | None:
    """A directory store on the database's own disk dies with it."""
    if store is None or database is None or store.device != database.device:
        return None
    return Finding(
        "store",
        Level.WARNING,
        "the backups lie on the database's own disk: both are lost together",
        "Set AKBOT_STORE to an S3 bucket or another disk.",
    )


def database_mount(stack: Stack) -> Mount | None:
    """Where the database's files lie on the host."""
    mounts = stack.postgresql.mounts if stack.postgresql else ()
    holders = [each for each in mounts if "postgresql" in each.target]
    return holders[0] if holders else None
