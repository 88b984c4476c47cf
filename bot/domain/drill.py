"""What a drill found: whether a backup, restored, is what its manifest says it is."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, TypeAdapter

from bot.domain.backup_id import BackupId, parse_backup_id
from bot.domain.contents import Contents
from bot.domain.errors import IntegrityError, RefusedError
from bot.domain.findings import Finding, Level
from bot.domain.manifest import DatabaseFacts, Manifest, SchemaFingerprint
from bot.domain.plural import count_of
from bot.domain.schedule import Schedule

_FORMAT = "akbot-drill-1"
_SUBJECT = "drill"
VERDICT = "verdict"
"""Fact of a drill's plan: what it found, once it knows."""
KEYLESS = "keyless"
"""Likewise: that no private key was on the host."""
_NAMED = 5  # tables in a message; a person needs to know which kind, not all


class Verdict(StrEnum):
    """What a drill says of the backup.

    READ: without the private key it lies in the store as it was sent, and more cannot be told.
    COULD_NOT_RUN says nothing of it: something that the drill needs was missing.
    """

    PASS = "pass"  # noqa: S105 - a verdict
    READ = "read"
    FAIL = "fail"
    COULD_NOT_RUN = "could not run"


@dataclass(frozen=True, kw_only=True)
class DrillReport:
    """One drill of the backup *backup_id*; *reasons* are sentences, none where it passed.

    *load_seconds* is how long database, Redis and files took to be read back, decrypted and loaded:
    about what a real restore would take before the stack starts again. *rows* counts those of all
    tables, *keys* those of Redis, *boot_seconds* until the application answered on the copy; None
    where the backup has none, it was not asked for, or the drill did not come so far.
    """

    backup_id: str
    stack: str
    verdict: Verdict
    began: AwareDatetime
    seconds: float
    reasons: tuple[str, ...] = ()
    load_seconds: float | None = None
    rows: int | None = None
    keys: int | None = None
    contents: Contents | None = None
    boot_seconds: float | None = None
    components: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What came back, in a sentence."""
        if self.verdict is Verdict.READ:
            return (
                f"backup {self.backup_id} lies in the store as it was sent, read in"
                f" {self.seconds:.0f} s"
            )
        parts = [f"backup {self.backup_id} came back in {self.seconds:.0f} s"]
        if self.rows is not None:
            parts.append(count_of(self.rows, "row"))
        if self.contents and self.contents.users is not None:
            parts.append(count_of(self.contents.users, "user"))
        if self.contents and self.contents.applications is not None:
            parts.append(count_of(self.contents.applications, "application"))
        if self.contents and self.contents.newest_event:
            parts.append(f"newest event {self.contents.newest_event:%Y-%m-%d %H:%M} UTC")
        if self.boot_seconds is not None:
            parts.append(f"Authentik served its login page on it after {self.boot_seconds:.0f} s")
        return ", ".join(parts)


def drill_file(job_id: str) -> str:
    """What the report of a drill is called beside the backup; its job's name tells when."""
    return f"drill-{job_id}.json"


def drill_of(name: str) -> BackupId | None:
    """The job that wrote the report called *name*, None where it is none."""
    if not (name.startswith("drill-") and name.endswith(".json")):
        return None
    try:
        return parse_backup_id(name.removeprefix("drill-").removesuffix(".json"))
    except ValueError:
        return None


def compare_databases(wanted: DatabaseFacts, found: DatabaseFacts) -> list[str]:
    """How a restored database differs from what the manifest says of it, in sentences."""
    return [
        *_compare_rows(wanted.rows, found.rows),
        *_compare_schemas(wanted.schemas, found.schemas),
        *(
            ["the history of Authentik's versions is another one"]
            if wanted.versions != found.versions
            else []
        ),
    ]


def _compare_rows(wanted: Mapping[str, int], found: Mapping[str, int]) -> list[str]:
    missing = sorted(wanted.keys() - found.keys())
    added = sorted(found.keys() - wanted.keys())
    other = [
        f'"{table}" has {count_of(found[table], "row")} instead of {rows:,}'
        for table, rows in sorted(wanted.items())
        if table in found and found[table] != rows
    ]
    return [
        *_listed(
            f'the table "{name}" is missing, with its {count_of(wanted[name], "row")}'
            for name in missing
        ),
        *_listed(f'there is a table "{name}" that was not backed up' for name in added),
        *_listed(other),
    ]


def _compare_schemas(
    wanted: Mapping[str, SchemaFingerprint], found: Mapping[str, SchemaFingerprint]
) -> list[str]:
    reasons: list[str] = []
    for name, fingerprint in sorted(wanted.items()):
        restored = found.get(name)
        if restored is None:
            reasons.append(f'the schema "{name}" is missing')
        elif restored.migrations != fingerprint.migrations:
            reasons.append(f'the schema "{name}" has other migrations')
        elif restored.catalogue != fingerprint.catalogue:
            reasons.append(f'the schema "{name}" has other tables, columns or indexes')
    return _listed(reasons)


def _listed(reasons: Iterable[str]) -> list[str]:
    every = list(reasons)
    left = len(every) - _NAMED
    return [*every[:_NAMED], *([f"and {left} more of that kind"] if left > 0 else [])]


def encode_report(report: DrillReport) -> bytes:
    """The document that lies beside the backup, signed."""
    document = {"format": _FORMAT, **asdict(report)}
    return json.dumps(document, indent=1, sort_keys=True, default=_encode).encode() + b"\n"


def _encode(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a drill's report")


# Made at import: pydantic looks for plug-ins on disk then, which has no place in an event loop.
_ADAPTER = TypeAdapter(DrillReport)


def decode_report(data: bytes, *, stack: str, backup_id: BackupId) -> DrillReport:
    """Read the report that was found beside *backup_id* of *stack*, once its signature was checked.

    Raises:
        IntegrityError: it is none, or one of another backup.
    """
    try:
        document: dict[str, Any] = json.loads(data)
        known = document.pop("format")
        report = _ADAPTER.validate_python(document)
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError) as error:
        raise IntegrityError(f'read the drill of "{backup_id}": it is no report') from error
    if known != _FORMAT or (report.stack, report.backup_id) != (stack, backup_id):
        raise IntegrityError(f'read the drill of "{backup_id}": it belongs elsewhere')
    return report


def judge_drills(
    newest: DrillReport | None, first_backup: datetime | None, now: datetime, plan: Schedule | None
) -> Finding | None:
    """What a person should know: how the *newest* drill ended, and whether one is overdue.

    Overdue is what was planned twice and did not happen: one drill may be missed, for want of a
    stack or a store, before somebody has to hear of it. None where there is nothing to prove yet.
    """
    since = newest.began if newest else first_backup
    if since is None:
        return None
    if newest and newest.verdict is Verdict.FAIL:
        words = f"the drill of backup {newest.backup_id} failed: {'; '.join(newest.reasons)}"
        return Finding(_SUBJECT, Level.FAILURE, words, "Make a new backup, then drill that.")
    if plan and _slots_between(plan, since, now) > 1:
        last = f"the last drill was on {since:%Y-%m-%d}" if newest else "none was ever drilled"
        remedy = 'Run "akbot drill", and "akbot run" for the schedule.'
        return Finding(_SUBJECT, Level.WARNING, f"no backup was proven lately: {last}", remedy)
    if newest is None:
        return Finding(_SUBJECT, Level.OK, "no backup was drilled yet")
    if newest.verdict is Verdict.COULD_NOT_RUN:
        words = f"the last drill could not run: {'; '.join(newest.reasons)}"
        return Finding(_SUBJECT, Level.WARNING, words, 'Mend that, then run "akbot drill".')
    return Finding(_SUBJECT, Level.OK, newest.words)


def _slots_between(plan: Schedule, since: datetime, now: datetime) -> int:
    """How many drills were planned, 2 for all that are more."""
    first = plan.next_after(since)
    if first is None or first > now:
        return 0
    second = plan.next_after(first)
    return 1 if second is None or second > now else 2


def require_young(server: str, manifest: Manifest) -> None:
    """An older server cannot load what a newer one has dumped: that says nothing of the dump."""
    dumped = manifest.software.postgresql or server
    if _major(server) < _major(dumped):
        raise RefusedError(
            f"the stack's PostgreSQL {server} is older than the backup's {dumped}",
            hint="Drill it beside a stack with that PostgreSQL or a newer one.",
        )


def _major(version: str) -> int:
    return int(version.partition(".")[0])
