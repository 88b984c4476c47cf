"""What the daemon has to say of itself, in bounded time, also when its disk hangs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bot.domain.daemon_report import STATE, DaemonReport
from bot.domain.errors import BotError
from bot.domain.jobs import Job, JobState, describe
from bot.domain.schedule import Schedule
from bot.services.bounded import Bounded
from bot.services.journal_ports import JobJournal
from bot.services.ports import Clock
from bot.services.pulse import Pulse
from bot.services.standing import Standing

_WITHIN = 3.0  # seconds; Docker's health check waits for four
_PATIENCE = 60.0


class ChatCondition(Protocol):
    """How the conversation is: in a word, and in a sentence."""

    @property
    def condition(self) -> str: ...

    @property
    def words(self) -> str: ...


@dataclass(frozen=True)
class _Open:
    """*jobs* may have left something behind, *stuck* wait for a person."""

    jobs: tuple[Job, ...] = ()
    stuck: tuple[Job, ...] = ()


@dataclass
class OwnHealth:
    """*troubles* has a sentence for each kind of work of the daemon's own that fails.

    *paused* says why nothing begins by itself, *chat* how the conversation is, None without one.
    The journal may be busy for some seconds, as another process writes or the machine is slow; what
    it said before counts until it has been silent for *patience* seconds.
    """

    standing: Standing
    journal: JobJournal
    pulse: Pulse
    troubles: Mapping[str, str]
    paused: Callable[[], Awaitable[str]]
    plan: Schedule | None
    chat: Callable[[], ChatCondition | None]
    clock: Clock
    within: float = _WITHIN
    patience: float = _PATIENCE
    _jobs: Bounded[_Open] = field(init=False)
    _pause: Bounded[str] = field(init=False)
    _found: _Open = field(default_factory=_Open)
    _paused: str = ""
    _silent_since: float | None = None

    def __post_init__(self) -> None:
        self._jobs = Bounded(self._open, self.within)
        self._pause = Bounded(self.paused, self.within)

    async def report(self) -> DaemonReport:
        """All of it; what cannot be asked is a failure and part of the answer."""
        failing = [*self.pulse.silent()]
        failing += [words for name, words in self.troubles.items() if name == STATE]
        if words := await self._ask():
            failing.append(f"the state folder: {words}")
        found, paused = self._found, self._paused
        following = self.plan.next_after(self.clock.now()) if self.plan and not paused else None
        chat = self.chat()
        return DaemonReport(
            running=tuple(describe(job) for job in found.jobs if job.state is JobState.RUNNING),
            uncleaned=tuple(job.id for job in found.jobs if job.state is not JobState.RUNNING),
            stuck=tuple(job.id for job in found.stuck),
            failing=tuple(failing),
            troubles=tuple(words for name, words in self.troubles.items() if name != STATE),
            paused=paused,
            next_backup=following.astimezone(self.plan.zone).isoformat()
            if self.plan and following
            else "",
            **({"chat": chat.condition, "chat_words": chat.words} if chat else {}),
        )

    async def _ask(self) -> str:
        """Ask journal and pause anew; what is wrong with their folder, "" for nothing."""
        try:
            self._found = await self._jobs.answer()
            self._paused = await self._pause.answer()
        except BotError as error:
            return str(error)
        except TimeoutError:
            now = self.clock.monotonic()
            self._silent_since = now if self._silent_since is None else self._silent_since
            silent = now - self._silent_since
            return f"no answer for {silent:.0f} seconds" if silent >= self.patience else ""
        self._silent_since = None
        return ""

    async def _open(self) -> _Open:
        open_jobs = await self.standing.open_jobs()
        return _Open(tuple(open_jobs), tuple(await self.journal.stuck_jobs()))

    async def close(self) -> None:
        """Ask for nothing any more."""
        await self._jobs.close()
        await self._pause.close()
