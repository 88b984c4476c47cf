"""What the daemon says of itself at `/healthz`, and what `check` makes of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.findings import Finding, Level
from bot.domain.jobs import Job

NO_CHAT = "off"
_NOBODY = "nobody"
_FINE = {NO_CHAT, "ok", "starting"}


@dataclass(frozen=True, kw_only=True)
class DaemonReport:
    """*running* are jobs in words, *uncleaned* the ids of those that left something behind.

    *stuck* are the ids of those that wait for a person. *troubles* are sentences, each about work
    of the daemon's own that fails at the moment.
    *chat* is the condition of the chat in one word, *chat_words* in a sentence. *next_backup* is a
    time in ISO 8601, "" where no backup is planned. *paused* says why schedules and chat wait, ""
    where they do not: that is how a person wants it, so nothing to complain about.
    """

    running: tuple[str, ...] = ()
    uncleaned: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    chat: str = NO_CHAT
    chat_words: str = "there is no token, so no chat"
    next_backup: str = ""
    paused: str = ""

    @property
    def status(self) -> str:
        """`ok`, or `degraded` where a person should look."""
        complaints = (*self.uncleaned, *self.stuck, *self.troubles)
        return "ok" if self.chat in _FINE and not complaints else "degraded"


def parse_report(document: object) -> DaemonReport | None:
    """Read what an HTTP server answered; None if that was no daemon of ours."""
    if not isinstance(document, dict) or "status" not in document:
        return None
    text = {name: document.get(name) for name in ("chat", "chat_words", "next_backup")}
    text["paused"] = document.get("paused", "")
    names = ("running", "uncleaned", "stuck", "troubles")
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
        f"the {job.kind} {job.id} is stuck: its process died in it {job.crashes} times",
        f'See "akbot jobs {job.id}"; once nothing of it is wanted, "akbot jobs settle {job.id}".',
    )


_LOG = "Mend what it names; it tries again every minute, and its log has more."
_REMEDIES = {
    _NOBODY: "Put your user id into AKBOT_TELEGRAM_ADMINS, and restart the bot.",
    "refused": "Take the token that @BotFather shows, and restart the bot.",
    "conflict": "Stop the other copy of this bot, or give this one a token of its own.",
    "unreachable": "Look at the network, and whether api.telegram.org can be reached from here.",
}
