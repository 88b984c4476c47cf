"""Plays a conversation so that it goes the same way each time, and writes down what is seen.

Time stands still until the scenario lets it pass, and everything that a step leads to has happened
before the next one: then no call to journal or Telegram is under way, and the bot waits.
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

from bot.domain.jobs import JobState
from bot.domain.messages import Event
from bot.entrypoints.telegram.chat import Chat
from tests.bot_api.chats import Chat as TelegramChat
from tests.bot_api.chats import Message
from tests.bot_api.people import Person
from tests.telegram_chat.rest import Counted
from tests.telegram_chat.samples import finished
from tests.telegram_chat.transcript import BOT, Deed, Entry, Transcript, entry_of
from tests.telegram_chat.world import LONG_ENOUGH, World

_TURNS = 20  # of the event loop: whatever has been woken gets its turn in so many


class Scene:
    """What happens in one chat; *where* is Anna's with the bot, unless it is another."""

    def __init__(self, world: World, where: TelegramChat | None = None) -> None:
        self.world = world
        self.where = where or world.anna.chat
        self.entries: list[Entry] = []
        self._seen: dict[int, int] = {}  # by message, the versions that were written down
        self._parts = [Counted(each) for each in (world.inbox, world.outbox, world.questions)]
        world.inbox, world.outbox, world.questions = self._parts  # type: ignore[assignment]
        self.chat: Chat | None = None
        self._process = AsyncExitStack()

    async def starts(self) -> None:
        """The bot starts, anew after `stops`."""
        self.chat = await self._process.enter_async_context(self.world.talking())
        await self.follows()

    async def stops(self) -> None:
        """The bot is gone from one moment to the next, and hears of no job any more."""
        await self._process.aclose()
        self.world.operations.listeners = []

    async def says(self, text: str, who: Person | None = None) -> None:
        """Somebody, by default Anna, writes *text*."""
        (who or self.world.anna).says(text, self.where)
        await self.follows()

    async def presses(self, label: str, who: Person | None = None) -> None:
        """Somebody presses the newest button of that name."""
        person = who or self.world.anna
        message = next(each for each in reversed(self.where.from_bot) if label in each.labels)
        query = person.presses(message, label)
        place = len(self.entries)
        await self.follows()
        notice = self.world.telegram.queries[query].notice
        press = Entry(
            time=f"{self.world.clock.now():%H:%M}",
            number=self._number(message),
            speaker=person.first_name,
            deed=Deed.PRESSES,
            pressed=label,
            toast=notice.text if notice else "",
        )
        self.entries.insert(place, press)

    async def passes(self, seconds: float) -> None:
        """Time passes, as it does: the bot polls in between."""
        self.world.clock.advance(seconds)
        self.world.telegram.updates.end_poll()
        await self.follows()

    async def happens(self, *events: Event, after: float = 0) -> None:
        """The job that runs tells of *events*, *after* so many seconds."""
        if after:
            await self.passes(after)
        for event in events:
            self.world.operations.tell(event)
        await self.follows()

    async def ends(self, state: JobState, message: str = "", *, after: float = 0) -> None:
        """The job that runs ends so."""
        if after:
            await self.passes(after)
        self.world.operations.end(state, message)
        await self.follows()

    async def finishes(self) -> None:
        """The backup that runs is done, after so long as it was."""
        job = self.world.operations.all_jobs[0]
        self.world.operations.tell(replace(finished(job.id), seconds=self.seconds))
        await self.ends(JobState.DONE)

    @property
    def seconds(self) -> float:
        """How long the newest job takes by now."""
        job = self.world.operations.all_jobs[0]
        return (self.world.clock.now() - job.started).total_seconds()

    def transcript(self, title: str) -> Transcript:
        """What was seen so far."""
        return Transcript(title, tuple(self.entries))

    async def follows(self) -> None:
        """Wait until all that this leads to has happened, and write it down."""
        async with asyncio.timeout(LONG_ENOUGH):
            while not await self._is_quiet():  # noqa: ASYNC110 - nobody tells when all is
                await asyncio.sleep(0.002)
        self._write_down()

    async def _is_quiet(self) -> bool:
        """Nothing is under way, and nothing more begins while this is looked at."""
        before = self._calls()
        updates = self.world.telegram.updates
        for _ in range(_TURNS):
            if self._is_busy() or not updates.polled or updates.pending:
                return False
            await asyncio.sleep(0)
        outbox, inbox = self._parts[1].inner, self._parts[0].inner
        waiting = await outbox.waiting() or await inbox.unhandled()  # type: ignore[attr-defined]
        return not waiting and not self._is_busy() and self._calls() == before

    def _is_busy(self) -> bool:
        toasts = len(self.chat._toasts) if self.chat else 0
        return bool(toasts) or any(each.calls.begun > each.calls.ended for each in self._parts)

    def _calls(self) -> int:
        return sum(each.calls.begun for each in self._parts)

    def _write_down(self) -> None:
        """What is new: what people wrote, then the bot's edits, then its messages.

        Of several edits in one moment there is the last.
        """
        messages = self.where.all_messages
        new = [each for each in messages if each.id not in self._seen]
        edited = [
            each
            for each in messages
            if len(each.versions) > self._seen.get(each.id, len(each.versions))
        ]
        for message in new:
            if not message.from_bot:
                self._write(message, Deed.SENDS)
        for message in edited:
            self._write(message, Deed.EDITS)
        for message in new:
            if message.from_bot:
                self._write(message, Deed.SENDS)

    def _write(self, message: Message, deed: Deed) -> None:
        self._seen[message.id] = len(message.versions)
        speaker = BOT if message.from_bot else str(message.sender["first_name"])
        entry = entry_of(message, message.versions[-1], self._number(message), speaker, deed)
        self.entries.append(replace(entry, silent=entry.silent and message.from_bot))

    def _number(self, message: Message) -> int:
        """Its place among the messages of the chat."""
        return self.where.all_messages.index(message) + 1
