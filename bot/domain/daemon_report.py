"""What the daemon says of itself at `/healthz` and `/readyz`, and what `check` makes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.domain.findings import Finding, Level
from bot.domain.jobs import Job

NO_CHAT = "off"
_NOBODY = "nobody"
_FINE = {NO_CHAT, "ok", "starting"}
OK, DEGRADED, FAILED = "ok", "degraded", "failed"
STATE = "state"
"""The name of the daemon's own work that shows whether its folder and journal can be written."""
ITSELF = "an error of akbot itself; the log says which"
"""What `troubles` say where the details are for the log alone."""
DOCKER = "the Docker Engine"
"""Its name among what a job needs; all others are stores, whose names have no blanks."""


@dataclass(frozen=True, kw_only=True)
class DaemonReport:
    """*running* are jobs in words, *uncleaned* the ids of those that left something behind.

    *stuck* are the ids of those that wait for a person. *failing* are sentences, each about what
    keeps the daemon from working at all; *troubles* likewise, about work of its own, or what that
    needs, that fails at the moment.
    *chat* is the condition of the chat in one word, *chat_words* in a sentence. *next_backup* is a
    time in ISO 8601, "" where no backup is planned. *paused* says why schedules and chat wait, ""
    where they do not: that is how a person wants it, so nothing to complain about.
    """

    running: tuple[str, ...] = ()
    uncleaned: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    chat: str = NO_CHAT
    chat_words: str = "there is no token, so no chat"
    next_backup: str = ""
    paused: str = ""

    @property
    def status(self) -> str:
        """`ok`; `degraded` where a person should look; `failed` where it does not work."""
        if self.failing:
            return FAILED
        complaints = (*self.uncleaned, *self.stuck, *self.troubles)
        return OK if self.chat in _FINE and not complaints else DEGRADED


def with_systems(report: DaemonReport, systems: Mapping[str, str]) -> DaemonReport:
    """That report with what fails outside among its troubles; *systems* as for readiness."""
    away = (f"{name}: {words}" for name, words in systems.items() if words)
    return replace(report, troubles=(*report.troubles, *away))


def judge_readiness(report: DaemonReport, systems: Mapping[str, str]) -> tuple[str, ...]:
    """What a job that begins now would lack; *systems* says what is wrong with each, "" for none.

    One store is enough.
    """
    lacking = [*report.failing]
    if words := systems.get(DOCKER):
        lacking.append(f"{DOCKER}: {words}")
    stores = {name: words for name, words in systems.items() if name != DOCKER}
    if stores and all(stores.values()):
        lacking += [f"{name}: {words}" for name, words in stores.items()]
    return tuple(lacking)


def parse_report(document: object) -> DaemonReport | None:
    """Read what an HTTP server answered; None if that was no daemon of ours."""
    if not isinstance(document, dict) or "status" not in document:
        return None
    text = {name: document.get(name) for name in ("chat", "chat_words", "next_backup")}
    text["paused"] = document.get("paused", "")
    names = ("running", "uncleaned", "stuck", "failing", "troubles")
    lists = {name: document.get(name, []) for name in names}
    if not all(isinstance(each, str) for each in text.values()):
        return None
    if not all(isinstance(each, list) for each in lists.values()):
        return None
    return DaemonReport(
        **{name: _strings(each) for name, each in lists.items()},  # type: ignore[arg-type]
        **text,  # type: ignore[arg-type]
    )


def _strings(values: object) -> tuple[str, ...]:
    return tuple(str(each) for each in values) if isinstance(values, list) else ()


def judge_daemon(report: DaemonReport | None) -> Sequence[Finding]:
    """What a person should know of the daemon; none where no daemon answers is an answer too."""
    if report is None:
        return [
            Finding(
                "daemon",
                Level.OK,
                'no "akbot run" answers here: no schedule and no chat, unless it runs in a'
                " container; ask there",
            )
        ]
    planned = (
        f"the next backup is planned for {report.next_backup}"
        if report.next_backup
        else ("no backup is planned")
    )
    findings = [Finding("daemon", Level.OK, f"it runs; {planned}")]
    if report.uncleaned:
        jobs = ", ".join(report.uncleaned)
        findings.append(
            Finding(
                "daemon",
                Level.WARNING,
                f"what these jobs left is not cleaned up yet: {jobs}",
                'It tries every minute; "akbot jobs ID" says what stands in the way.',
            )
        )
    findings += [Finding("daemon", Level.FAILURE, words, _RESTART) for words in report.failing]
    findings += [Finding("daemon", Level.FAILURE, words, _LOG) for words in report.troubles]
    if report.chat not in _FINE:
        level = Level.WARNING if report.chat == _NOBODY else Level.FAILURE
        findings.append(Finding("chat", level, report.chat_words, _REMEDIES.get(report.chat, "")))
    elif report.chat != NO_CHAT:
        findings.append(Finding("chat", Level.OK, report.chat_words))
    return findings


def judge_stuck(job: Job) -> Finding:
    """A job that waits for a person."""
    return Finding(
        "state",
        Level.FAILURE,
        f"the {job.kind} {job.id} is stuck: {job.message}",
        f'See "akbot jobs {job.id}"; once nothing of it is wanted, "akbot jobs settle {job.id}".',
    )


_RESTART = "Mend what it names; where that is nothing outside, restart the bot."
_LOG = "Mend what it names; it tries again every minute, and its log has more."
_REMEDIES = {
    _NOBODY: "Put your user id into AKBOT_TELEGRAM_ADMINS, and restart the bot.",
    "refused": "Take the token that @BotFather shows, and restart the bot.",
    "conflict": "Stop the other copy of this bot, or give this one a token of its own.",
    "unreachable": "Look at the network, and whether api.telegram.org can be reached from here.",
}
