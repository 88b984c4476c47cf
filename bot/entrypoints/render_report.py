"""A report in words, for a terminal and, line by line, for the chat. Pure, like `render`."""

from collections.abc import Sequence
from datetime import datetime, tzinfo

from bot.domain.durations import duration
from bot.domain.printable import one_line
from bot.domain.report import BackupsReport, IncidentsReport, LoginReport, Report, UpdateReport
from bot.entrypoints.render import age_of, finding_lines, size

_MOSTLY = 0.9999


def report_lines(report: Report, zone: tzinfo) -> list[str]:
    """All of it; what a person should see to stands last, where a terminal shows it."""
    begin, end = (each.astimezone(zone) for each in (report.begin, report.end))
    needs = finding_lines(report.needs)
    return [
        f"From {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M %Z}",
        *(f"{f'{name}:':<11}{one_line(words)}" for name, words in report_rows(report)),
        "",
        *(["To see to:", *needs] if needs else ["Nothing needs you."]),
    ]


def report_rows(report: Report) -> Sequence[tuple[str, str]]:
    """Each part by its name, in the order in which people read them."""
    return (
        ("Backups", _backups_words(report.backups, report.end)),
        ("Drills", _drills_words(report.backups, report.end)),
        ("Incidents", _incidents_words(report.incidents)),
        *([("Warnings", _warnings_words(report.warnings))] if report.warnings.count else []),
        ("Login", _login_words(report.login)),
        ("Update", _update_words(report.update)),
    )


def _backups_words(backups: BackupsReport, now: datetime) -> str:
    """How many were made, how many there are, and the newest."""
    made = f"{backups.made} made, verified and signed" if backups.made else "none made"
    failed = f", {backups.failed} failed" if backups.failed else ""
    if backups.newest is None:
        return f"{made}{failed}. There is no good one in the store"
    newest = f"{age_of(backups.newest, now)}, {size(backups.newest_size)}"
    kept = f"{backups.kept} good, {size(backups.kept_size)}"
    return f"{made}{failed}. In the store: {kept}; the newest {newest}"


def _drills_words(backups: BackupsReport, now: datetime) -> str:
    """How many were proven by a restore, and when last."""
    if backups.drilled is None:
        return "no backup was proven by a restore yet"
    last = f"the last one {age_of(backups.drilled, now)}"
    return f"{backups.proven} passed, {last}" if backups.proven else last


def _incidents_words(incidents: IncidentsReport) -> str:
    """How many, for how long, and the worst."""
    if not incidents.count:
        return "none"
    worst = _worst_words(incidents)
    if incidents.count == 1:
        return f"one, {worst}"
    return f"{incidents.count}, {duration(incidents.seconds)} in all; the longest {worst}"


def _warnings_words(warnings: IncidentsReport) -> str:
    """How many, and the longest; how long they lasted in all says nothing."""
    first = "one," if warnings.count == 1 else f"{warnings.count}; the longest"
    return f"{first} {_worst_words(warnings)}"


def _worst_words(incidents: IncidentsReport) -> str:
    return f"{duration(incidents.worst_seconds)}: {incidents.worst}"


def _login_words(login: LoginReport) -> str:
    """For which share of the time people could log in, and what kept them from it."""
    causes = {"in incidents": login.incidents, "in updates or restores": login.jobs}
    away = [f"{duration(seconds)} {name}" for name, seconds in causes.items() if seconds]
    if not away:
        return f"up all the time that akbot watched{_blind_words(login)}"
    # never rounded up to a whole that it is not
    share = f"{min(login.share, _MOSTLY):.2%}"
    told = " and ".join(away)
    return f"up {share} of the time that akbot watched; away {told}{_blind_words(login)}"


def _blind_words(login: LoginReport) -> str:
    if not login.blind:
        return ""
    return f"; not known for {duration(login.blind)}, as Docker did not answer"


def _update_words(update: UpdateReport | None) -> str:
    """Whether there is a newer version."""
    if update is None:
        return "not looked for (AKBOT_UPDATE_CHECK_SCHEDULE is off)"
    if update.unknown:
        return "not known"
    if not update.target:
        return f"{update.current} runs, and nothing newer is wanted"
    what = ", a security release" if update.security else ""
    held = "; something holds it back still" if update.held else ""
    return f"{update.target} is out{what}; {update.current} runs{held}"


def daily_words(report: Report) -> str:
    """A day in one sentence."""
    backups = report.backups
    parts = ["no good backup"]
    if backups.newest:
        parts = [f"backup {age_of(backups.newest, report.end)}, {size(backups.newest_size)}"]
    if backups.drilled:
        parts.append(f"drill {age_of(backups.drilled, report.end)}")
    if report.incidents.count:
        parts.append(f"incidents: {_incidents_words(report.incidents)}")
    if report.warnings.count:
        parts.append(f"warnings: {_warnings_words(report.warnings)}")
    login = report.login
    away = login.incidents + login.jobs
    how = f"away for {duration(away)}" if away else "up as far as akbot watched"
    parts.append(f"login {how}{_blind_words(login)}")
    return "; ".join(parts)
