"""Sends what waits in the outbox, in order in each chat, beside the others, and loses none of it.

New alarms go before what else is new for their chat, and questions after them. How far something
is comes after all else, and no faster than the chat takes it. A question that has expired is sent
closed. What Telegram never takes holds nothing up: see `stubborn`.

A send is written down before it begins. One that nobody knows the end of, because the process was
killed in it or the answer was lost, is made again and says that it may be a repeat.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, TelegramError

from bot.domain.errors import BotError
from bot.entrypoints.telegram.away_texts import OWN_ERROR, REPEAT
from bot.entrypoints.telegram.client import ChatBot, FloodError, UnsentError, words
from bot.entrypoints.telegram.file_texts import without_file
from bot.entrypoints.telegram.lapsed import Lapsed
from bot.entrypoints.telegram.outgoing import Outgoing
from bot.entrypoints.telegram.pace import Paces
from bot.entrypoints.telegram.post import Post, Spot
from bot.entrypoints.telegram.queue import (
    Delivery,
    deliveries,
    is_shown_progress,
    overtaken,
    urgent_first,
)
from bot.entrypoints.telegram.stubborn import Stubborn
from bot.entrypoints.telegram.texts import Wall
from bot.entrypoints.telegram.undelivered import Undelivered
from bot.entrypoints.telegram.waiting import Backoff
from bot.entrypoints.waiting import news_or_time
from bot.services.journal_ports import Message, Queued

logger = logging.getLogger(__name__)

_JOURNAL_PAUSE = 5.0
_MOST_AT_ONCE = 5  # chats; the client has a few connections more
_LOOK_SECONDS = 10.0  # for what another process has written
_CHAT_IS_GONE = "chat not found"
_MERGED = "told together with others"


class Sender:
    """Empties the outbox; *people* hear of what can never arrive elsewhere."""

    def __init__(
        self,
        bot: ChatBot,
        outgoing: Outgoing,
        lapsed: Lapsed,
        people: Sequence[int],
    ) -> None:
        self._outgoing = outgoing
        self._outbox = outgoing.outbox
        self._clock, self._zone = outgoing.clock, outgoing.zone
        self._lapsed = lapsed
        self._undelivered = Undelivered(outgoing, self._clock, self._zone, people)
        self._backoff: dict[int, Backoff] = {}  # by chat
        self._paces = Paces()
        self._post = Post(bot, self._paces, self._clock)
        self._stubborn = Stubborn()
        self._not_before = outgoing.not_before
        self._busy: set[int] = set()  # chats
        self._moved: dict[int, int] = {}
        self._surely_unsent: set[int] = set()  # attempted here, and refused before it was done
        self._told: dict[int, Counter[int | None]] = {}  # by chat and topic, of what waited long

    def heard_from(self, chat: int) -> None:
        """Somebody has written there: what is for them is tried again."""
        self._undelivered.heard_from(chat)

    async def run(self) -> None:
        """Send until cancelled; a chat that takes its time, or takes nothing, delays no other."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                wait = await self._send_due(tasks)
                await news_or_time(self._outgoing.news, self._clock, wait)

    async def _send_due(self, tasks: asyncio.TaskGroup) -> float:
        """Begin what can be sent; the seconds until it is worth looking again, without news."""
        try:
            rows = await self._outbox.waiting()
        except BotError as error:
            logger.warning("chat: sending: %s", error)
            return _JOURNAL_PAUSE
        now = self._clock.monotonic()
        wait = _LOOK_SECONDS
        queues: dict[int, list[Queued]] = {}
        for row in rows:
            if aside := self._stubborn.pause(row.number, now):
                wait = min(wait, aside)
            else:
                queues.setdefault(row.message.chat, []).append(row)
        for chat, queue in queues.items():
            pause = max(self._not_before.get(chat, now) - now, self._paces.pause(chat, queue, now))
            if pause > 0:
                wait = min(wait, pause)
            elif chat not in self._busy and len(self._busy) < _MOST_AT_ONCE:
                self._busy.add(chat)
                tasks.create_task(self._send_beside(chat, queue))
        return wait

    async def _send_beside(self, chat: int, queue: list[Queued]) -> None:
        try:
            await self._send_to(chat, queue)
        except BotError as error:
            logger.warning("chat: sending: %s", error)
            self._not_before[chat] = self._clock.monotonic() + _JOURNAL_PAUSE
        finally:
            self._busy.discard(chat)
            self._outgoing.news.set()  # for what came meanwhile, and for whoever waits in line

    async def _send_to(self, chat: int, queue: list[Queued]) -> None:
        for row in overtaken(queue):
            await self._outbox.drop(row.number, "overtaken by its outcome")
            self._stubborn.forget(row)
            queue.remove(row)
        told = self._told.setdefault(chat, Counter())
        wall = Wall(self._clock.now(), self._zone)
        progress = []
        waiting = deliveries(queue, wall, told.copy(), self._stubborn.alone)
        for delivery in urgent_first(waiting, wall.now):
            if is_shown_progress(delivery.rows[0]):
                progress.append(delivery)
                continue
            if self._must_wait(delivery) or not await self._goes(delivery):
                return
            if delivery.is_page:
                told[delivery.message.thread] += len(delivery.rows)
        told.clear()
        for delivery in self._paces.in_turn(chat, progress):
            if not self._must_wait(delivery) and not await self._goes(delivery):
                return

    def _must_wait(self, delivery: Delivery) -> bool:
        return self._paces.before(delivery, self._clock.monotonic()) > 0

    async def _goes(self, delivery: Delivery) -> bool:
        """Deliver, now, or put it aside; whether the chat goes on. If not, it has to wait."""
        chat = delivery.message.chat
        backoff = self._backoff.setdefault(chat, Backoff())
        pause = await self._attempt(delivery)
        if pause is None and self._stubborn.is_often(delivery):
            pause = await self._insist(delivery)
        if pause == 0:
            backoff.reset()
            return True
        self._not_before[chat] = self._clock.monotonic() + (pause or backoff.next())
        return False

    async def _attempt(self, delivery: Delivery) -> float | None:
        """Deliver; the seconds after which to try again, 0 if that is not needed.

        None where it failed, for whatever reason.
        """
        try:
            async with self._outgoing.sending(delivery.message.chat):
                await self._deliver(await self._lapsed.closed(delivery))
        except FloodError as error:
            return error.seconds
        except TelegramError as error:
            logger.info("chat: a message waits: %s", words(error))
            if not isinstance(error, (UnsentError, InvalidToken)):
                self._stubborn.failed(delivery, words(error))
        except BotError:
            raise
        except Exception:  # boundary: whatever it was, the other chats' messages go on
            logger.exception("chat: sending failed")
            self._stubborn.failed(delivery, OWN_ERROR)
        else:
            return 0
        return None

    async def _insist(self, delivery: Delivery) -> float | None:
        """Find out whether what has failed often is to blame itself; if so, the chat goes on."""
        if not await self._post.is_open(delivery.message.chat):
            return None
        pause = await self._attempt(delivery)  # Telegram may have come back before it answered
        if pause is None and delivery.has_file:
            message = without_file(delivery.message)
            pause = await self._attempt(replace(delivery, message=message))
        if pause is None and delivery.is_merged:
            self._stubborn.part(delivery)
        elif pause is None:
            return await self._put_aside(delivery)
        return pause

    async def _put_aside(self, delivery: Delivery) -> float | None:
        now = self._clock.monotonic()
        if why := self._stubborn.why_hopeless(delivery, now):
            await self._give_up(delivery, why)
            return 0
        return 0 if self._stubborn.put_aside(delivery, now) else None

    async def _give_up(self, delivery: Delivery, why: str) -> None:
        await self._undelivered.give_up(delivery.rows, why)
        self._stubborn.forget(*delivery.rows)

    async def _deliver(self, delivery: Delivery) -> None:
        """Send or edit once; raises where it must be tried again."""
        chat = delivery.message.chat
        if why := self._undelivered.why_closed(chat):
            await self._give_up(delivery, why)
            return
        unsure = not delivery.is_edit and any(map(self._may_have_arrived, delivery.rows))
        message = _marked(delivery.message) if unsure else delivery.message
        numbers = [row.number for row in delivery.rows]
        for number in () if delivery.is_edit else numbers:
            await self._outbox.attempt(number)
        try:
            spot = await self._request(delivery, message)
        except (FloodError, UnsentError):
            self._surely_unsent.update(() if unsure else numbers)
            raise
        except (BadRequest, Forbidden) as error:
            if isinstance(error, Forbidden) or _CHAT_IS_GONE in error.message.lower():
                await self._undelivered.close(chat, error.message)
            await self._give_up(delivery, error.message)
        except TelegramError:
            self._surely_unsent.difference_update(numbers)
            raise
        else:
            await self._undelivered.arrives(delivery.message)
            await self._arrived(delivery, spot)
        self._surely_unsent.difference_update(numbers)

    async def _arrived(self, delivery: Delivery, spot: Spot) -> None:
        """Of what came together nothing is edited later: it would stand there alone.

        That it came late is said of the rest as long as it stands.
        """
        self._stubborn.arrived(delivery)
        if delivery.is_merged:
            await self._outgoing.keep_together(delivery.message, spot.message_id)
        for row in delivery.rows:
            if delivery.is_merged:
                await self._outbox.drop(row.number, _MERGED)
            kept = None if delivery.is_merged else delivery.message.text
            shown = replace(row.message, thread=spot.thread)
            await self._outbox.sent(row.number, spot.message_id, shown, kept)

    def _may_have_arrived(self, row: Queued) -> bool:
        return row.attempted and row.number not in self._surely_unsent

    async def _request(self, delivery: Delivery, message: Message) -> Spot:
        """Ask Telegram, following a group that moved; what stands where it was stays as it is."""
        chat = self._moved.get(message.chat, message.chat)
        message_id = delivery.rows[0].message_id
        if message_id is not None and chat != message.chat:
            return Spot(message_id, message.thread)
        try:
            return await self._post.bring(delivery, replace(message, chat=chat))
        except ChatMigrated as error:
            logger.warning("chat: group %s is now %s; name it so", chat, error.new_chat_id)
            self._moved[message.chat] = error.new_chat_id
            return await self._request(delivery, message)


def _marked(message: Message) -> Message:
    return replace(message, text=message.text + REPEAT)
