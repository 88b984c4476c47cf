"""Tells of jobs: one progress message that is edited in place, and the outcome as a new one.

Whoever asked in a chat hears it there, and so does whoever asked to stop it; what fails on schedule
or from the command line is told to all hearers, each in a message of their own, but for
planned backups, which the alarms tell of. What a kill kept from being told is found in the journal
and told then.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo

from bot.domain.alarms import told_as_alarm
from bot.domain.errors import BotError
from bot.domain.jobs import ALL_JOBS, Job, JobState, degraded
from bot.domain.messages import BackupFinished, Event, JobBegan, JobEnded
from bot.domain.pace import took_last
from bot.domain.roles import ChatPlace
from bot.domain.way_back import is_slow, may_end_otherwise, nobody_may_be_served, tries_of
from bot.entrypoints.counting import Counting
from bot.entrypoints.telegram import job_texts, kinds
from bot.entrypoints.telegram.answers import Answers
from bot.entrypoints.telegram.asked import Place, parse_origin
from bot.entrypoints.telegram.outgoing import Outgoing, copy_for
from bot.entrypoints.telegram.pace import PRIVATE_INTERVAL, seconds_between_edits
from bot.entrypoints.telegram.pressed import AGAIN_PREFIX
from bot.entrypoints.telegram.texts import Wall
from bot.entrypoints.waiting import news_or_time
from bot.services.journal_ports import Message
from bot.services.operations import Operations
from bot.services.ports import Clock

logger = logging.getLogger(__name__)

CATCH_UP_INTERVAL = 60.0
_RETRY = 5.0
_NEWS = timedelta(days=3)  # an older outcome is history: /jobs has it
_LOOK_BACK = 50  # jobs at first; further where those before may be news as well
_BAD = {JobState.FAILED, JobState.INTERRUPTED, JobState.STUCK, JobState.ROLLED_BACK}


@dataclass
class _Followed:
    """A job whose progress somebody watches, and what was last shown of it."""

    job: Job
    place: Place
    counting: Counting = field(default_factory=Counting)
    took: timedelta | None = None  # the last one like it
    compared_in: tuple[str, ...] | None = None  # after which steps it was looked for
    shown: str = ""
    shown_at: float | None = None


class Notifier:
    """A listener for jobs; `run` does the telling, to *alerts* what nobody asked for in a chat.

    *moved* are groups that have another number now. *then* follows each outcome, perhaps again
    after a kill.
    """

    def __init__(  # noqa: PLR0913 - the composition root names them all
        self,
        operations: Operations,
        outgoing: Outgoing,
        clock: Clock,
        zone: tzinfo,
        *,
        alerts: Sequence[ChatPlace],
        moved: Mapping[int, int],
        then: Callable[[Job], Awaitable[None]],
    ) -> None:
        self._operations = operations
        self._outgoing = outgoing
        self._clock = clock
        self._zone = zone
        self._alerts = alerts
        self._moved = moved
        self._then = then
        self._answers = Answers(outgoing, zone)
        self._followed: dict[str, _Followed] = {}
        self._ended: dict[str, Job] = {}
        self._finished: dict[str, BackupFinished] = {}
        self._told: set[str] = set()  # the outcomes of the newest jobs
        self._news = asyncio.Event()
        self._urgent = asyncio.Event()
        self._telling = asyncio.Lock()  # or progress could be written over its own end
        self._is_open = True
        self._has_looked = asyncio.Event()

    def listener(self, job: Job, event: Event) -> None:
        """Take note of an event, in the event loop; it never blocks."""
        if not self._is_open:
            return
        if isinstance(event, JobEnded):
            self._ended[event.job.id] = event.job
        elif isinstance(event, BackupFinished):
            self._finished[job.id] = event
        elif place := parse_origin(job.origin):
            followed = self._followed.setdefault(job.id, _Followed(job, place))
            followed.counting.learn(event, self._clock.monotonic())
        self._news.set()
        if isinstance(event, JobBegan | JobEnded):
            self._urgent.set()

    @property
    def has_news(self) -> bool:
        """Whether an outcome is still to be told."""
        return bool(self._ended)

    async def has_looked(self) -> None:
        """Wait until what ended while nobody listened is written, or could not be."""
        await self._has_looked.wait()

    async def announce(self, job: Job) -> None:
        """Open the progress message of a job that was asked for in a chat, if it is not open."""
        async with self._telling:
            if _key(job) in self._told or job.id in self._ended:
                return
            if job.state is not JobState.RUNNING:
                await self._tell_end(job)
            elif place := parse_origin(job.origin):
                await self._show(self._followed.setdefault(job.id, _Followed(job, place)))

    async def run(self) -> None:
        """Tell, until cancelled."""
        self._is_open = True
        try:
            await self._attempt_all(catch_up=True)
            self._has_looked.set()
            while True:
                came = await news_or_time(self._news, self._clock, CATCH_UP_INTERVAL)
                await self._attempt_all(catch_up=not came)
                await news_or_time(self._urgent, self._clock, PRIVATE_INTERVAL)
        finally:
            self._is_open = False

    async def _attempt_all(self, *, catch_up: bool) -> None:
        try:
            async with self._telling:
                if catch_up:
                    await self._catch_up()
                await self._tell_news()
        except BotError as error:
            logger.warning("chat: cannot tell the news yet: %s", error)
            await self._again_later()
        except Exception:  # boundary: the next news are told all the same
            logger.exception("chat: telling the news failed")
            await self._again_later()

    async def _again_later(self) -> None:
        await self._clock.sleep(_RETRY)
        self._news.set()

    async def _catch_up(self) -> None:
        """Tell the outcomes that nobody was told, and end progress that nobody continues."""
        since = self._clock.now() - _NEWS
        newest = await self._back_to(since)
        self._told &= {_key(job) for job in newest}
        for job in reversed(newest):
            is_news = job.ended is not None and job.ended > since
            if is_news and job.state is not JobState.RUNNING and _key(job) not in self._told:
                await self._tell_end(job)

    async def _back_to(self, since: datetime) -> Sequence[Job]:
        """The newest jobs, newest first: all that have ended after *since*, and some before."""
        limit = _LOOK_BACK
        while True:
            jobs = await self._operations.jobs(limit)
            if len(jobs) < limit or (jobs[-1].ended or since) < since:
                return jobs
            limit *= 2

    async def _tell_news(self) -> None:
        for job in list(self._ended.values()):
            await self._tell_end(job)
        for followed in list(self._followed.values()):
            if followed.job.id not in self._ended and self._is_due(followed):
                await self._show(followed)

    def _is_due(self, followed: _Followed) -> bool:
        if followed.shown_at is None:
            return True
        interval = seconds_between_edits(is_group=followed.place.is_group)
        due = self._clock.monotonic() - followed.shown_at >= interval
        if not due:
            self._news.set()  # look again in a second
        return due

    async def _show(self, followed: _Followed) -> None:
        """Write or edit the progress message, if it says something new."""
        await self._compare(followed)
        text = self._progress_text(followed)
        if text == followed.shown:
            return
        key, place = f"progress:{followed.job.id}", followed.place
        message = Message(key=key, chat=place.chat, thread=place.thread, text=text, silent=True)
        if not await self._outgoing.put(message):
            await self._outgoing.change(key, text)
        followed.shown, followed.shown_at = text, self._clock.monotonic()

    async def _compare(self, followed: _Followed) -> None:
        """Look for a job like it, which more of its steps may make known."""
        steps = followed.counting.progress.steps
        if followed.took is None and followed.compared_in != steps:
            jobs = await self._operations.jobs(ALL_JOBS)
            followed.took = took_last(followed.job.id, jobs)
            followed.compared_in = steps

    def _progress_text(self, followed: _Followed) -> str:
        job, counting = followed.job, followed.counting
        seconds = counting.seconds(self._clock.monotonic())
        return kinds.progress(job, counting.progress, seconds, self._wall(), followed.took)

    async def _tell_end(self, job: Job) -> None:
        """Let the progress message end, then write the outcome: that is told whole, and once."""
        messages = await self._outcome(job)
        if messages and await self._outgoing.find(messages[-1].key) is None:
            progress = f"progress:{job.id}"
            if await self._outgoing.find(progress):
                ended = kinds.progress_ended(job, self._wall())
                await self._outgoing.change(progress, ended)
            since = None if tries_of(job) else job.ended
            for message in messages:
                await self._outgoing.put(message, since)
        await self._then(job)
        self._told.add(_key(job))
        self._ended.pop(job.id, None)
        self._finished.pop(job.id, None)
        self._followed.pop(job.id, None)

    async def _outcome(self, job: Job) -> list[Message]:
        """The outcome and, where its reason is long, all of it in a document; for each hearer."""
        hearers = await self._hearers(job)
        if not hearers:
            return []
        told = kinds.outcome(job, self._finished.get(job.id), self._wall())
        again = ((job_texts.AGAIN, f"{AGAIN_PREFIX}{job.id}"),)
        buttons = (*((again,) if told.again else ()), *((each,) for each in told.buttons))
        parts = [Message(key=_key(job), chat=0, text=told.text, buttons=buttons)]
        if told.document:
            text, key = job_texts.details(job), _key(job, "details")
            parts.append(Message(key=key, chat=0, text=text, document=told.document, silent=True))
        asker = parse_origin(job.origin)
        return [
            replace(part, chat=place.chat, thread=place.thread)
            if asker and place.chat == self._now(asker.chat)
            else copy_for(place, part)
            for place in hearers
            for part in parts
        ]

    async def _hearers(self, job: Job) -> list[ChatPlace]:
        """Where the outcome is told; in each chat once, but for alerts in several topics."""
        asker = parse_origin(job.origin)
        stops = await self._answers.stops(job.id)  # before it is asked which groups have moved
        hearers = {self._now(asker.chat): asker.thread} if asker else {}
        for stop in stops:
            hearers.setdefault(self._now(stop.chat), stop.thread)
        is_bad = job.state in _BAD and not told_as_alarm(job)
        if asker is None and (is_bad or degraded(job)):
            told = [ChatPlace(*each) for each in hearers.items()]
            told += [each for each in self._alerts if self._now(each.chat) not in hearers]
            if not told:
                logger.error(
                    "chat: nobody is told that job %s did not end well: %s names nobody",
                    job.id,
                    "AKBOT_TELEGRAM_ADMINS",
                )
            return told
        return [ChatPlace(*each) for each in hearers.items()]

    def _now(self, chat: int) -> int:
        """Where that chat is now: the job, and what was sent, still have a group's old number."""
        return self._moved.get(chat, chat)

    def _wall(self) -> Wall:
        return Wall(self._clock.now(), self._zone)


def _key(job: Job, of: str = "outcome") -> str:
    """Of the message with the outcome: each that is not the last has a key of its own."""
    key = f"{of}:{job.id}"
    if nobody_may_be_served(job):
        return f"{key}:still-away" if is_slow(job) else f"{key}:away"
    return f"{key}:open" if may_end_otherwise(job) else key
