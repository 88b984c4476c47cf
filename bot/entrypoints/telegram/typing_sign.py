"""The sign that somebody is at work: "typing…" in a chat where an answer takes its time.

It costs no message, does not ring and leaves nothing behind; what becomes of it is never waited
for. There is no line such as "Looking at the store…" besides: an answer that is an edit of it would
not ring, and a log or a list of buttons that came late would stand above what was said meanwhile.
What may take longer than `waiting.PATIENCE` says so in a message of its own.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from telegram.constants import ChatAction
from telegram.error import TelegramError

from bot.entrypoints.telegram.asked import Place
from bot.entrypoints.telegram.client import ChatBot, FloodError, words
from bot.entrypoints.telegram.errands import Errands
from bot.entrypoints.telegram.outgoing import Outgoing
from bot.services.ports import Clock

logger = logging.getLogger(__name__)

FIRST_AFTER = 0.7
"""Seconds that an answer may take without a sign."""
AGAIN_AFTER = 4.0
"""Telegram shows it for five seconds, or until a message comes."""

_MOST_AT_ONCE = 2  # requests; connections are there for answers
_ASK_SECONDS = 4.0
_POOL_SECONDS = 1.0

Sign = Callable[[Place], AbstractAsyncContextManager[None]]
"""Shows, at that place, that an answer is on its way, while the context lives."""


def no_sign(_: Place) -> AbstractAsyncContextManager[None]:
    """A Sign where nobody waits."""
    return nullcontext()


class TypingSign:
    """Shows it through a bot, once there is one; where Telegram is too busy, not at all."""

    def __init__(self, outgoing: Outgoing, clock: Clock, errands: Errands) -> None:
        self._outgoing = outgoing
        self._clock = clock
        self._errands = errands
        self._bot: ChatBot | None = None
        self._not_before: dict[int, float] = {}  # by chat, on the monotonic clock
        self._asking = 0

    def speak_through(self, bot: ChatBot) -> None:
        """Use *bot* from here on."""
        self._bot = bot

    @asynccontextmanager
    async def during(self, place: Place) -> AsyncGenerator[None]:
        """A Sign."""
        showing = self._errands.begin(self._show(place))
        try:
            yield
        finally:
            showing.cancel()
            await asyncio.wait({showing})

    async def _show(self, place: Place) -> None:
        await self._clock.sleep(FIRST_AFTER)
        while True:
            if self._bot and self._asking < _MOST_AT_ONCE and not self._is_held(place.chat):
                await self._ask(self._bot, place)
            await self._clock.sleep(AGAIN_AFTER)

    def _is_held(self, chat: int) -> bool:
        """Whether Telegram wants to be left alone there, or what was written waits for it."""
        wanted = self._not_before.get(chat, 0.0)
        return max(wanted, self._outgoing.not_before.get(chat, 0.0)) > self._clock.monotonic()

    async def _ask(self, bot: ChatBot, place: Place) -> None:
        self._asking += 1
        try:
            await bot.send_chat_action(
                place.chat,
                ChatAction.TYPING,
                message_thread_id=place.thread,
                read_timeout=_ASK_SECONDS,
                write_timeout=_ASK_SECONDS,
                connect_timeout=_ASK_SECONDS,
                pool_timeout=_POOL_SECONDS,
            )
        except FloodError as error:
            self._not_before[place.chat] = self._clock.monotonic() + error.seconds
        except TelegramError as error:
            logger.info("chat: a sign could not be shown: %s", words(error))
        finally:
            self._asking -= 1
