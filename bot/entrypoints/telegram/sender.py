"""Sends what waits in the outbox, in order in each chat, and loses none of it.

A send is written down before it begins. One that nobody knows the end of, because the process was
killed in it or the answer was lost, is made again and says that it may be a repeat.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, InputFile, LinkPreviewOptions
from telegram import Message as SentMessage
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, TelegramError

from bot.domain.errors import BotError
from bot.entrypoints.telegram import texts
from bot.entrypoints.telegram.client import ChatBot, FloodError, UnsentError, words
from bot.entrypoints.telegram.markup import strip_tags
from bot.entrypoints.telegram.outgoing import Outgoing
from bot.entrypoints.telegram.queue import Delivery, is_progress, next_delivery, overtaken
from bot.entrypoints.telegram.waiting import Backoff, news_or_time
from bot.services.journal_ports import Buttons, Message, Queued
from bot.services.ports import Clock

logger = logging.getLogger(__name__)

_JOURNAL_PAUSE = 5.0
_LOOK_SECONDS = 10.0  # for what another process has written
_REPEAT = "\n<i>(perhaps a repeat)</i>"
_UNDELIVERED = "undelivered:"
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


class Sender:
    """Empties the outbox; *default_chat* hears of what can never arrive elsewhere."""

    def __init__(
        self, bot: ChatBot, outgoing: Outgoing, clock: Clock, default_chat: int | None
    ) -> None:
        self._bot = bot
        self._outgoing = outgoing
        self._outbox = outgoing.outbox
        self._clock = clock
        self._default_chat = default_chat
        self._backoff: dict[int, Backoff] = {}  # by chat
        self._not_before: dict[int, float] = {}  # by chat, on the monotonic clock
        self._moved: dict[int, int] = {}
        self._surely_unsent: set[int] = set()  # attempted here, and refused before it was done

    async def run(self) -> None:
        """Send until cancelled; nothing that goes wrong ends it."""
        while True:
            wait = await self._send_or_wait()
            await news_or_time(self._outgoing.news, self._clock, wait)

    async def _send_or_wait(self) -> float:
        """Send what can be sent; the seconds until it is worth looking again, without news."""
        try:
            await self._send_due()
        except BotError as error:
            logger.warning("chat: sending: %s", error)
            return _JOURNAL_PAUSE
        now = self._clock.monotonic()
        return max(min([*self._not_before.values(), now + _LOOK_SECONDS]) - now, 0)

    async def _send_due(self) -> None:
        rows = await self._outbox.waiting()
        for chat in dict.fromkeys(row.message.chat for row in rows):
            if self._not_before.get(chat, 0) <= self._clock.monotonic():
                self._not_before.pop(chat, None)
                await self._send_to(chat, [row for row in rows if row.message.chat == chat])

    async def _send_to(self, chat: int, queue: list[Queued]) -> None:
        for row in overtaken(queue):
            await self._outbox.drop(row.number, "overtaken by its outcome")
            queue.remove(row)
        backoff = self._backoff.setdefault(chat, Backoff())
        while queue:
            delivery = next_delivery(queue, self._clock.now())
            pause = await self._attempt(delivery, backoff)
            if pause:
                self._not_before[chat] = self._clock.monotonic() + pause
                return
            backoff.reset()
            queue = [row for row in queue if row not in delivery.rows]

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
            await self._give_up(delivery.rows, error.message)
        except TelegramError:
            self._surely_unsent.difference_update(numbers)
            raise
        else:
            for row in delivery.rows:
                await self._outbox.sent(row.number, message_id, row.message)
        self._surely_unsent.difference_update(numbers)

    def _may_have_arrived(self, row: Queued) -> bool:
        return row.attempted and row.number not in self._surely_unsent

    async def _request(self, delivery: Delivery, message: Message) -> int:
        """Ask Telegram, following a group that moved and leaving out what it does not take."""
        chat = self._moved.get(message.chat, message.chat)
        try:
            return await self._ask(delivery, replace(message, chat=chat))
        except ChatMigrated as error:
            logger.warning("chat: group %s is now %s; name it so", chat, error.new_chat_id)
            self._moved[message.chat] = error.new_chat_id
            return await self._ask(delivery, replace(message, chat=error.new_chat_id))
        except BadRequest as error:
            reason = error.message.lower()
            if "not modified" in reason and delivery.rows[0].message_id is not None:
                return delivery.rows[0].message_id
            if "thread not found" in reason and message.thread is not None:
                return await self._ask(delivery, replace(message, chat=chat, thread=None))
            if "can't parse entities" in reason:
                logger.warning("chat: Telegram does not take the markup of %s", message.key)
                return await self._ask(delivery, replace(message, chat=chat), markup=False)
            raise

    async def _ask(self, delivery: Delivery, message: Message, *, markup: bool = True) -> int:
        text = message.text if markup else strip_tags(message.text)
        parse_mode = ParseMode.HTML if markup else None
        message_id = delivery.rows[0].message_id
        if message_id is not None:
            await self._bot.edit_message_text(
                text,
                message.chat,
                message_id,
                parse_mode=parse_mode,
                reply_markup=_keyboard(message.buttons),
                link_preview_options=_NO_PREVIEW,
            )
            return message_id
        sent = await (self._send_document if message.document else self._send_text)(
            message, text, parse_mode
        )
        return sent.message_id

    async def _send_text(
        self, message: Message, text: str, parse_mode: ParseMode | None
    ) -> SentMessage:
        return await self._bot.send_message(
            message.chat,
            text,
            parse_mode=parse_mode,
            message_thread_id=message.thread,
            disable_notification=message.silent,
            reply_markup=_keyboard(message.buttons),
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
            parse_mode=parse_mode,
            message_thread_id=message.thread,
            disable_notification=message.silent,
            reply_markup=_keyboard(message.buttons),
        )

    async def _give_up(self, rows: Sequence[Queued], reason: str) -> None:
        """Drop what can never arrive, and say it where it can."""
        for row in rows:
            await self._outbox.drop(row.number, reason)
            logger.warning("chat: %s for chat %s: %s", row.message.key, row.message.chat, reason)
            is_news = row.message_id is None and not is_progress(row)
            if self._default_chat in {None, row.message.chat} or not is_news:
                continue
            await self._tell_default_chat(row, reason)

    async def _tell_default_chat(self, row: Queued, reason: str) -> None:
        if self._default_chat is None or row.message.key.startswith(_UNDELIVERED):
            return
        text = texts.undelivered(row.message.chat, reason, row.message.text)
        key = f"{_UNDELIVERED}{row.message.key}"
        await self._outgoing.put(Message(key=key, chat=self._default_chat, text=text))


def _marked(message: Message) -> Message:
    return replace(message, text=message.text + _REPEAT)


def _keyboard(buttons: Buttons) -> InlineKeyboardMarkup | None:
    """Rows of buttons; None takes those away that were there."""
    if not buttons:
        return None
    return InlineKeyboardMarkup(
        [
            [InlineKeyboardButton(label, callback_data=data) for label, data in row]
            for row in buttons
        ]
    )
