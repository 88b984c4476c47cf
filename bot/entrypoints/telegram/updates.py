"""Our own long polling: every update is in the journal before Telegram is told to forget it.

The library's Updater confirms updates when it fetches the next ones, handled or not; a kill in
between would lose them. Here they are stored first and handled in the lanes of their senders,
and those that a kill has left over come first on the next start.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from telegram import Update
from telegram.error import Conflict, InvalidToken, TelegramError

from bot.domain.errors import BotError
from bot.entrypoints.telegram.ages import Ages
from bot.entrypoints.telegram.client import WANTED, ChatBot, FloodError, words
from bot.entrypoints.telegram.handlers import AnyApplication, Handlers
from bot.entrypoints.telegram.lanes import Lane, Lanes, Turn
from bot.entrypoints.telegram.reading import turn_of
from bot.entrypoints.telegram.state import Condition, StateBoard
from bot.entrypoints.telegram.waiting import Backoff
from bot.services.journal_ports import Inbox
from bot.services.ports import Clock

logger = logging.getLogger(__name__)

CONFLICT = "another copy of this bot is running with the same token"
_REFUSALS = 3
REFUSED = "Telegram refuses the token; chat is off until it is replaced and the bot restarted"
NOBODY = "but nobody can use the chat or hears what fails: AKBOT_TELEGRAM_ADMINS is empty"

_POLL_SECONDS = 25
_NOBODY = 0  # in the place of a chat or a person that an update does not name
_SHORTLY = 0.25  # seconds in which almost all is handled; what takes longer goes on beside
_MOST_TRIES = 3  # to handle one update; the journal itself waits long each time
_CONFLICT_PAUSE = 30.0
_CONFLICT_STANDS = timedelta(minutes=2)  # two copies take the poll from each other in turns


class UpdateLoop:
    """Fetches and handles updates for as long as Telegram takes the token."""

    def __init__(  # noqa: PLR0913, PLR0917 - its whole surroundings
        self,
        application: AnyApplication,
        handlers: Handlers,
        bot: ChatBot,
        inbox: Inbox,
        ages: Ages,
        clock: Clock,
        board: StateBoard,
        heard_from: Callable[[int], None],
    ) -> None:
        self._application = application
        self._handlers = handlers
        self._bot = bot
        self._inbox = inbox
        self._ages = ages
        self._clock = clock
        self._board = board
        self._heard_from = heard_from
        self._backoff = Backoff()
        self._refusals = 0  # in a row
        self._lanes = Lanes(clock)
        self._taken: set[int] = set()  # what the inbox showed last
        self._last_conflict: datetime | None = None

    async def run(self) -> None:
        """Go on until cancelled; returns only when the token is refused, and not just once."""
        async with self._lanes:
            while self._refusals < _REFUSALS:
                pause = await self._attempt_turn()
                if pause:
                    await self._clock.sleep(pause)
        self._board.show(Condition.REFUSED, REFUSED)

    async def _attempt_turn(self) -> float:
        """One turn; the seconds to wait before the next one."""
        try:
            await self._turn()
        except InvalidToken as error:  # a proxy's 404 looks like it, too
            self._refusals += 1
            self._board.show(Condition.UNREACHABLE, words(error))
        except Conflict as error:
            return await self._conflict(error)
        except FloodError as error:
            self._board.show(Condition.UNREACHABLE, words(error))
            return error.seconds
        except TelegramError as error:
            self._board.show(Condition.UNREACHABLE, words(error))
        except BotError as error:
            self._board.show(Condition.UNREACHABLE, f"the journal does not work: {error}")
        except Exception:  # boundary: the chat must outlive an error of ours
            logger.exception("chat: fetching updates failed")
        else:
            self._backoff.reset()
            self._refusals = 0
            return 0
        return self._backoff.next()

    async def _turn(self) -> None:
        """Connect if need be, let what is waiting be handled, then fetch and store what is new."""
        await self._application.initialize()
        await self._take_waiting()
        await self._lanes.settle(_SHORTLY)
        await self._fetch()

    async def _fetch(self) -> None:
        """Store what is new; after an absence without waiting, to know what came in it."""
        offset = await self._inbox.next_offset(self._clock.now())
        seconds = _POLL_SECONDS if self._ages.is_listening(self._clock.now()) else 0
        updates = await self._bot.fetch_updates(offset, seconds)
        now = self._clock.now()
        self._show_ok()
        kept = [
            self._handlers.gate.keep(each, self._parsed(each), self._bot.username)
            for each in updates
        ]
        done = [each["update_id"] for each in kept if not each.keys() & WANTED]
        await self._inbox.store(kept, now, done)
        self._ages.fetched([each["update_id"] for each in updates], now)
        for update_id in done:
            self._ages.handled(update_id)

    def _show_ok(self) -> None:
        conflict = self._last_conflict
        if conflict is not None and self._clock.now() - conflict <= _CONFLICT_STANDS:
            return
        connected = f"connected as @{self._bot.username}"
        if self._handlers.gate.is_shut:
            self._board.show(Condition.NOBODY, f"{connected}, {NOBODY}")
        else:
            self._board.show(Condition.OK, connected)

    async def _conflict(self, error: Conflict) -> float:
        """Another copy polls, or a webhook takes the updates; the latter can be mended here."""
        self._last_conflict = self._clock.now()
        if "webhook" not in error.message.lower():
            self._board.show(Condition.CONFLICT, CONFLICT)
            return _CONFLICT_PAUSE
        self._board.show(Condition.CONFLICT, "a webhook took this bot's updates; it is removed")
        try:
            await self._bot.delete_webhook()
        except TelegramError as failure:
            logger.info("chat: the webhook could not be removed: %s", words(failure))
        return self._backoff.next()

    async def _take_waiting(self) -> None:
        """Let each update join its lane once.

        What an earlier look at the inbox has shown is in a lane still, or was handled while this
        one was made; what this one does not show any more, none will.
        """
        waiting = await self._inbox.unhandled()
        for incoming in waiting:
            if incoming.update_id not in self._taken:
                update = self._parsed(incoming.payload)
                handle = partial(self._handle, incoming.update_id, update)
                self._lanes.join(_lane(update), handle, self._turn_of(update))
        self._taken = {each.update_id for each in waiting}

    def _turn_of(self, update: Update | None) -> Turn:
        message = update.message if update else None
        return turn_of(message, self._bot.username, self._clock.now())

    async def _handle(self, update_id: int, update: Update | None, attempt: int) -> None:
        """Let the library's handlers have it, and note that.

        Raises what struck them and may pass; the last time it is told to whoever sent the update.
        """
        if update:
            await self._attempt(update, attempt)
        await self._inbox.handled(update_id)
        self._ages.handled(update_id)

    async def _attempt(self, update: Update, attempt: int) -> None:
        if update.effective_chat:
            self._heard_from(update.effective_chat.id)
        try:
            await self._handlers.handle(self._application, update)
        except BotError as error:
            if attempt < _MOST_TRIES:
                raise
            logger.error("chat: an update is given up: %s", error)  # noqa: TRY400 - one line
            await self._handlers.give_up(update, error)

    def _parsed(self, payload: Any) -> Update | None:
        try:
            return Update.de_json(payload, self._bot)
        except Exception:  # boundary: one update of an unknown shape must not stop all others
            logger.exception("chat: an update cannot be read")
            return None


def _lane(update: Update | None) -> Lane:
    chat = update.effective_chat if update else None
    person = update.effective_user if update else None
    return chat.id if chat else _NOBODY, person.id if person else _NOBODY
