"""Looks that take longer than a person waits for an answer, and change nothing.

That somebody looks is said at once, beside the other commands; what was seen comes as a new
message. A kill in between is told after it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from bot.domain.errors import BotError
from bot.entrypoints.telegram import failure_texts, texts
from bot.entrypoints.telegram.answers import Answers
from bot.entrypoints.telegram.asked import Request
from bot.entrypoints.telegram.errands import Errands
from bot.entrypoints.telegram.texts import Answer
from bot.services.ports import Clock

logger = logging.getLogger(__name__)

Look = Callable[[], Awaitable[Answer]]
"""The answer; None where a question was put instead."""

_RETRY = 5.0
_NEWS = timedelta(days=3)


@dataclass(frozen=True)
class Inquiries:
    """Looks for people; *is_asked*: the look of that request has led to a question.

    `run` tells of those that an earlier process did not end.
    """

    answers: Answers
    clock: Clock
    errands: Errands
    is_asked: Callable[[str], Awaitable[bool]]
    _under_way: set[str] = field(default_factory=set)  # ids of requests

    async def begin(self, request: Request, words: str, look: Look) -> None:
        """Say *words*, then look."""
        self._under_way.add(request.id)
        try:
            await self.answers.look(request, words)
        except BaseException:
            self._under_way.discard(request.id)
            raise
        self.errands.begin(self._attend(request, words, look))

    async def _attend(self, request: Request, words: str, look: Look) -> None:
        try:
            found = await self._seen(look)
            await self._written(request, words, found)
        finally:
            self._under_way.discard(request.id)

    async def _seen(self, look: Look) -> Answer:
        try:
            return await look()
        except BotError as error:
            return failure_texts.command_failed(error, self.answers.wall())
        except Exception:  # boundary: the person hears of it, and the chat goes on
            logger.exception("a look failed")
            return texts.went_wrong()

    async def _written(self, request: Request, words: str, found: Answer) -> None:
        """For as long as the journal takes to take it."""
        while True:
            try:
                if found is not None:
                    await self.answers.tell(request, found)
                await self.answers.looked(request.id, texts.looked(words))
            except BotError as error:
                logger.warning("chat: cannot tell yet what was seen: %s", error)
                await self.clock.sleep(_RETRY)
            else:
                return

    async def run(self) -> None:
        """Tell whoever waits for what an earlier process did not end, and stay."""
        while not await self._attempt_ends():
            await self.clock.sleep(_RETRY)
        await asyncio.get_running_loop().create_future()

    async def _attempt_ends(self) -> bool:
        try:
            await self._end_earlier()
        except BotError as error:
            logger.warning("chat: cannot tell yet what an earlier run did not end: %s", error)
            return False
        return True

    async def _end_earlier(self) -> None:
        since = self.clock.now() - _NEWS
        for request_id, said in await self.answers.looks():
            if said.written <= since or request_id in self._under_way:
                continue
            if not (await self.answers.has_answer(request_id) or await self.is_asked(request_id)):
                await self.answers.keep(request_id, said, texts.never_looked())
            await self.answers.looked(request_id, texts.looked(said.message.text))
