"""Sends what waits in the outbox, in order in each chat, beside the others, and loses none of it.

How far something is comes after all else, and no faster than the chat takes it.

A send is written down before it begins. One that nobody knows the end of, because the process was
killed in it or the answer was lost, is made again and says that it may be a repeat.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo

from telegram import InputFile, LinkPreviewOptions
from telegram import Message as SentMessage
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, TelegramError

from bot.domain.errors import BotError
from bot.entrypoints.telegram.away_texts import REPEAT
from bot.entrypoints.telegram.client import ChatBot, FloodError, UnsentError, words
from bot.entrypoints.telegram.markup import (
    MOST_IN_CAPTION,
    MOST_SHOWN,
    fitting,
    strip_tags,
)
from bot.entrypoints.telegram.outgoing import Outgoing
from bot.entrypoints.telegram.pace import Paces
from bot.entrypoints.telegram.queue import Delivery, deliveries, is_shown_progress, overtaken
from bot.entrypoints.telegram.texts import Wall
from bot.entrypoints.telegram.undelivered import Undelivered
from bot.entrypoints.telegram.waiting import Backoff
from bot.entrypoints.telegram.wire import how, keyboard
from bot.entrypoints.waiting import news_or_time
from bot.services.journal_ports import Message, Queued
from bot.services.ports import Clock

logger = logging.getLogger(__name__)

_JOURNAL_PAUSE = 5.0
_MOST_AT_ONCE = 5  # chats; the client has a few connections more
_LOOK_SECONDS = 10.0  # for what another process has written
_CHAT_IS_GONE = "chat not found"
_MERGED = "told together with others"
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


class Sender:
    """Empties the outbox; *people* hear of what can never arrive elsewhere."""

    def __init__(
        self,
        bot: ChatBot,
        outgoing: Outgoing,
        clock: Clock,
        zone: tzinfo,
        people: Sequence[int],
    ) -> None:
        self._bot = bot
        self._outgoing = outgoing
        self._outbox = outgoing.outbox
        self._clock = clock
        self._zone = zone
        self._undelivered = Undelivered(outgoing, clock, people)
        self._backoff: dict[int, Backoff] = {}  # by chat
        self._paces = Paces()
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
            queue.remove(row)
        told = self._told.setdefault(chat, Counter())
        wall = Wall(self._clock.now(), self._zone)
        progress = []
        for delivery in deliveries(queue, wall, told.copy()):
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
        """Deliver, now; whether that is done. Where it is not, the chat has to wait."""
        chat = delivery.message.chat
        backoff = self._backoff.setdefault(chat, Backoff())
        if pause := await self._attempt(delivery, backoff):
            self._not_before[chat] = self._clock.monotonic() + pause
            return False
        backoff.reset()
        return True

    async def _attempt(self, delivery: Delivery, backoff: Backoff) -> float:
        """Deliver; the seconds after which to try again, 0 if that is not needed."""
        try:
            await self._deliver(delivery)
        except FloodError as error:
            return error.seconds
        except TelegramError as error:
            logger.info("chat: a message waits: %s", words(error))
        except BotError:
            raise
        except Exception:  # boundary: whatever it was, the other chats' messages go on
            logger.exception("chat: sending failed")
        else:
            return 0
        return backoff.next()

    async def _deliver(self, delivery: Delivery) -> None:
        """Send or edit once; raises where it must be tried again."""
        chat = delivery.message.chat
        if why := self._undelivered.why_closed(chat):
            await self._undelivered.give_up(delivery.rows, why)
            return
        unsure = not delivery.is_edit and any(map(self._may_have_arrived, delivery.rows))
        message = _marked(delivery.message) if unsure else delivery.message
        numbers = [row.number for row in delivery.rows]
        for number in () if delivery.is_edit else numbers:
            await self._outbox.attempt(number)
        try:
            message_id = await self._request(delivery, message)
        except (FloodError, UnsentError):
            self._surely_unsent.update(() if unsure else numbers)
            raise
        except (BadRequest, Forbidden) as error:
            if isinstance(error, Forbidden) or _CHAT_IS_GONE in error.message.lower():
                await self._undelivered.close(chat, error.message)
            await self._undelivered.give_up(delivery.rows, error.message)
        except TelegramError:
            self._surely_unsent.difference_update(numbers)
            raise
        else:
            self._undelivered.heard_from(chat)
            await self._arrived(delivery, message_id)
        self._surely_unsent.difference_update(numbers)

    async def _arrived(self, delivery: Delivery, message_id: int) -> None:
        """Of what came together nothing is edited later: it would stand there alone."""
        if delivery.is_merged:
            await self._outgoing.keep_together(delivery.message, message_id)
        for row in delivery.rows:
            if delivery.is_merged:
                await self._outbox.drop(row.number, _MERGED)
            await self._outbox.sent(row.number, message_id, row.message)

    def _may_have_arrived(self, row: Queued) -> bool:
        return row.attempted and row.number not in self._surely_unsent

    async def _request(self, delivery: Delivery, message: Message) -> int:
        """Ask Telegram, following a group that moved; what stands where it was stays as it is."""
        chat = self._moved.get(message.chat, message.chat)
        message_id = delivery.rows[0].message_id
        if message_id is not None and chat != message.chat:
            return message_id
        try:
            return await self._in_its_terms(delivery, replace(message, chat=chat))
        except ChatMigrated as error:
            logger.warning("chat: group %s is now %s; name it so", chat, error.new_chat_id)
            self._moved[message.chat] = error.new_chat_id
            return await self._request(delivery, message)

    async def _in_its_terms(self, delivery: Delivery, message: Message) -> int:
        """Ask, and once more without what Telegram does not take."""
        try:
            return await self._ask(delivery, message)
        except BadRequest as error:
            reason = error.message.lower()
            message_id = delivery.rows[0].message_id
            if "not modified" in reason and message_id is not None:
                return message_id
            if "thread not found" in reason and message.thread is not None:
                return await self._ask(delivery, replace(message, thread=None))
            if "can't parse entities" in reason:
                logger.warning("chat: Telegram does not take the markup of %s", message.key)
                return await self._ask(delivery, message, markup=False)
            if message.picture:  # a group may take texts alone; the caption says the same
                logger.info("chat: %s goes without its picture: %s", message.key, error.message)
                return await self._ask(delivery, replace(message, picture=None))
            raise

    async def _ask(self, delivery: Delivery, message: Message, *, markup: bool = True) -> int:
        is_caption = message.document or message.picture
        fits = fitting(message.text, MOST_IN_CAPTION if is_caption else MOST_SHOWN)
        text = fits if markup else strip_tags(fits)
        parse_mode = ParseMode.HTML if markup else None
        message_id = delivery.rows[0].message_id
        self._paces.asked(delivery, self._clock.monotonic())
        if message_id is not None:
            await self._bot.edit_message_text(
                text,
                message.chat,
                message_id,
                parse_mode=parse_mode,
                reply_markup=keyboard(message.buttons),
                link_preview_options=_NO_PREVIEW,
            )
            return message_id
        send = self._send_text
        if message.picture:
            send = self._send_picture
        elif message.document:
            send = self._send_document
        return (await send(message, text, parse_mode)).message_id

    async def _send_text(
        self, message: Message, text: str, parse_mode: ParseMode | None
    ) -> SentMessage:
        return await self._bot.send_message(
            message.chat,
            text,
            **how(message, parse_mode),
            link_preview_options=_NO_PREVIEW,
        )

    async def _send_document(
        self, message: Message, text: str, parse_mode: ParseMode | None
    ) -> SentMessage:
        name, content = message.document or ("", "")
        document = await asyncio.to_thread(InputFile, content.encode(errors="replace"), name)
        return await self._bot.send_document(
            message.chat,
            document,
            caption=text,
            **how(message, parse_mode),
        )

    async def _send_picture(
        self, message: Message, text: str, parse_mode: ParseMode | None
    ) -> SentMessage:
        picture = await asyncio.to_thread(InputFile, message.picture or b"", "picture.png")
        return await self._bot.send_photo(
            message.chat,
            picture,
            caption=text,
            **how(message, parse_mode),
        )


def _marked(message: Message) -> Message:
    return replace(message, text=message.text + REPEAT)
