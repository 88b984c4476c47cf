"""Values to lines of text for a terminal. Pure: nothing here prints.

Whatever a manifest, a job or an error says in words of its own goes through `printable` or
`one_line` here, since none of it need come from this host or this version.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any

from bot.domain.catalogue import BackupRecord, BackupState
from bot.domain.durations import duration
from bot.domain.findings import Finding, Level
from bot.domain.incident import Incident
from bot.domain.jobs import DEGRADED, Job, JobState, degraded
from bot.domain.manifest import Manifest, Software
from bot.domain.orders import Entry
from bot.domain.origin import where
from bot.domain.printable import one_line, printable
from bot.domain.stack import Container

_LONGEST_NOTE = 200  # in a column; the whole words stand where one thing is shown in full
_LONGEST_IMAGE = 300
_MARKS = {Level.OK: "ok  ", Level.WARNING: "WARN", Level.FAILURE: "FAIL"}


def size(count: float) -> str:
    """Bytes for people: 1.5 MB; units of a thousand, as disks and bills have them."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:  # noqa: PLR2004 - the next unit begins
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def times(count: int) -> str:
    """How often, in words."""
    return "once" if count == 1 else f"{count} times"


def age_of(then: datetime, now: datetime) -> str:
    """How long ago: 3 h ago."""
    passed = now - then
    if passed < timedelta(hours=1):
        return f"{max(0, int(passed.total_seconds() // 60))} min ago"
    if passed < timedelta(days=2):
        return f"{int(passed.total_seconds() // 3600)} h ago"
    return f"{passed.days} days ago"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Left-aligned columns two blanks apart."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def finding_lines(findings: Sequence[Finding]) -> list[str]:
    """A line each; the remedy stands under what it mends."""
    lines: list[str] = []
    for finding in findings:
        words = f"{finding.subject}: {finding.message}"
        lines.append(f"{_MARKS[finding.level]}  {one_line(words)}")
        if finding.remedy and finding.level is not Level.OK:
            lines.append(f"      → {one_line(finding.remedy)}")
    return lines


def warning_line(finding: Finding) -> str:
    """A finding beside the output of a command that was asked for something else."""
    return f"akbot: warning: {warning_words(finding)}"


def warning_words(finding: Finding) -> str:
    """The same for the log, which has a level of its own."""
    return one_line(f"{finding.subject}: {finding.message}. {finding.remedy}")


def backup_lines(
    records: Sequence[BackupRecord], now: datetime, *, places: bool = False
) -> list[str]:
    """The list of backups, newest first; with the *places* where each of them lies."""
    if not records:
        return ['There is no backup yet. Run "akbot backup".']
    rows = [("BACKUP", "AGE", "SIZE", "AUTHENTIK", *(("STORES",) if places else ()), "STATE")]
    for record in records:
        version = (record.summary and record.summary.authentik) or "?"
        notes = [record.state.value]
        if record.pinned:
            notes.append("pinned")
        if record.doubtful_pin:
            notes.append("pinned by somebody who is not trusted here")
        if record.summary and record.summary.label:
            notes.append(f'"{printable(record.summary.label)}"')
        if record.reason:
            notes.append(one_line(record.reason, _LONGEST_NOTE))
        if record.summary:
            notes += (one_line(each, _LONGEST_NOTE) for each in record.summary.warnings)
        rows.append(
            (
                record.id,
                age_of(record.created, now),
                size(record.stored_size),
                printable(version),
                *((printable(", ".join(record.stores)),) if places else ()),
                "; ".join(notes),
            )
        )
    return table(rows)


def silent_lines(silent: Mapping[str, Exception]) -> list[str]:
    """The stores that were asked and did not answer."""
    return [one_line(f'Store "{name}" does not answer: {error}') for name, error in silent.items()]


def backup_warnings(manifest: Manifest, missing: Mapping[str, str]) -> list[str]:
    """What is to be known of a new backup; *missing* says why a store lacks it."""
    return [
        *(f"warning: {one_line(each)}" for each in manifest.warnings),
        *(
            one_line(f'degraded: it is not in store "{name}": {why}')
            for name, why in missing.items()
        ),
    ]


def manifest_lines(record: BackupRecord, manifest: Manifest | None) -> list[str]:
    """One backup in full; without a *manifest* only what can be said of it."""
    lines = [f"{record.id}: {record.state}{', pinned' if record.pinned else ''}"]
    if record.reason:
        lines.append(f"  {one_line(record.reason)}")
    if len(record.stores) + len(record.lacking) > 1:
        lacking = f"; not in {', '.join(record.lacking)}" if record.lacking else ""
        where = one_line(f"in {', '.join(record.stores)}{lacking}")
        lines.append(f"  {where}")
    if manifest is None:
        return lines
    actor, trigger = printable(manifest.actor), printable(manifest.trigger)
    lines.append(f"  stack {printable(manifest.stack)}, by {actor} ({trigger})")
    if manifest.label:
        lines.append(f'  "{printable(manifest.label)}"')
    lines.append(f"  {', '.join(_versions(manifest.software))}")
    if manifest.database:
        rows = sum(manifest.database.rows.values())
        lines.append(
            f"  database {printable(manifest.database.name)}: {size(manifest.database.size)},"
            f" {rows} rows in {len(manifest.database.rows)} tables"
        )
    lines.append(f"  sealed for {', '.join(map(printable, manifest.recipients))}")
    if manifest.rekeyed_from:
        lines.append(f"  sealed anew from {printable(manifest.rekeyed_from)}")
    lines += [f"  warning: {one_line(warning)}" for warning in manifest.warnings]
    parts = [
        (
            f"  {printable(each.key.rpartition('/')[2])}",
            size(each.stored_size),
            duration(each.seconds),
        )
        for each in manifest.components
    ]
    return lines + table(parts)


def _versions(software: Software) -> list[str]:
    image = printable(software.image, _LONGEST_IMAGE)
    named = {"PostgreSQL": software.postgresql, "Redis": software.redis}
    return [
        f"Authentik {printable(software.authentik or '?')} ({image})",
        *(f"{name} {printable(version)}" for name, version in named.items() if version),
    ]


def done_line(manifest: Manifest, seconds: float) -> str:
    """The outcome of a backup in one line."""
    parts = len(manifest.components)
    kind = "Partial backup" if manifest.partial else "Backup"
    return (
        f"{kind} {manifest.id} is complete, verified and signed: {parts} components,"
        f" {size(manifest.stored_size)} in {duration(seconds)}."
    )


def status_lines(
    containers: Sequence[Container],
    records: Sequence[BackupRecord],
    now: datetime,
    around: Sequence[Incident] = (),
) -> list[str]:
    """The stack at a glance, with what is not well *around* it."""
    rows = [
        (
            each.service,
            each.state,
            each.health or "-",
            printable(each.image, _LONGEST_IMAGE),
            f"restarted {each.restarts} times" if each.restarts else "",
        )
        for each in containers
    ]
    good = [record for record in records if record.state is BackupState.GOOD]
    last = "never" if not good else f"{good[0].id}, {age_of(good[0].created, now)}"
    troubles = [f"WARN  {one_line(each.words)}" for each in around]
    lines = [*table(rows), *troubles, "", f"Last good backup: {last} ({len(good)} in the store)"]
    if good and good[0].lacking:
        lines.append(one_line(f"degraded: it is not in {', '.join(good[0].lacking)}"))
    return lines


def jobs_lines(jobs: Sequence[Entry], zone: tzinfo) -> list[str]:
    """The newest jobs and orders, newest first; an order has no name by which it is asked for."""
    if not jobs:
        return ["Nothing was done yet."]
    rows = [("JOB", "WHAT", "WHEN", "BY", "OUTCOME")]
    for job in jobs:
        when = f"{job.started.astimezone(zone):%Y-%m-%d %H:%M}"
        name, what = (job.id, job.kind) if isinstance(job, Job) else ("-", one_line(job.words))
        outcome = one_line(_outcome(job), _LONGEST_NOTE)
        rows.append((name, what, when, _asker(job), outcome))
    return table(rows)


def _asker(job: Entry) -> str:
    """Who, and where: the chat, if it was in one."""
    place = where(job.origin)
    return f"{printable(job.actor)} ({job.trigger}{f' {place}' if place else ''})"


def _outcome(job: Entry) -> str:
    if not isinstance(job, Job):
        return f"{job.state}: {job.message}" if job.message else job.state
    if job.state is JobState.RUNNING:
        share = f", {job.share:.0%}" if job.share is not None else ""
        return f"running: {job.progress or job.step or 'beginning'}{share}"
    took = f" in {duration((job.ended - job.started).total_seconds())}" if job.ended else ""
    if job.state is JobState.DONE:
        lack = degraded(job)
        return f"done{took}, {DEGRADED}{lack}" if lack else f"done{took}"
    return f"{job.state}{took}: {job.message}"


def job_lines(job: Job, zone: tzinfo) -> list[str]:
    """One job in full."""
    lines = [
        f"{job.id}: {job.kind}, {one_line(_outcome(job))}",
        f"  by {_asker(job)}, {job.started.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}",
    ]
    if job.slot:
        lines.append(f"  planned for {job.slot.astimezone(zone):%Y-%m-%d %H:%M %Z}")
    if job.label:
        lines.append(f'  "{printable(job.label)}"')
    if job.state is JobState.RUNNING and job.step:
        lines.append(f"  step: {job.step}")
    if job.crashes:
        lines.append(f"  {job.crashes} times its process was killed")
    if not job.swept and job.state is not JobState.RUNNING:
        lines.append("  what it left is not cleaned up yet")
    return lines


def verify_lines(outcomes: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a verification read, a line for each backup."""
    lines: list[str] = []
    for outcome in outcomes:
        where = f" in {printable(outcome['store'])}" if "store" in outcome else ""
        if not outcome["ok"]:
            lines.append(f"FAIL  {outcome['id']}{where}: {one_line(outcome['reason'])}")
            continue
        depth = "stored bytes and signature"
        if outcome["decrypted"]:
            depth += ", decrypted to the end"
        if outcome["deep"]:
            depth += ", read by pg_restore"
        lines.append(f"ok    {outcome['id']}{where}: {size(outcome['stored_size'])}: {depth}")
    return lines or ["There is no backup to verify."]


def verify_words(outcomes: Sequence[Mapping[str, Any]]) -> str:
    """What came of a verification, for the list of all that was asked for."""
    whole = sum(1 for each in outcomes if each["ok"])
    if whole == len(outcomes) == 1:
        return "whole"
    return f"{whole} of {len(outcomes)} whole" if outcomes else "there was none"
