"""One request to Telegram for one message, and another one without what it does not take."""

import asyncio
import logging
from dataclasses import dataclass, replace

from telegram import InputFile, LinkPreviewOptions
from telegram import Message as SentMessage
from telegram.constants import ChatAction, ParseMode
from telegram.error import BadRequest, Forbidden, TelegramError

from bot.entrypoints.telegram.client import ChatBot
from bot.entrypoints.telegram.file_texts import without_file
from bot.entrypoints.telegram.markup import MOST_IN_CAPTION, MOST_SHOWN, fitting, strip_tags
from bot.entrypoints.telegram.pace import Paces
from bot.entrypoints.telegram.queue import Delivery
from bot.entrypoints.telegram.wire import how, keyboard
from bot.services.journal_ports import Message
from bot.services.ports import Clock

logger = logging.getLogger(__name__)

_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_NO_TOPIC = "thread not found"


@dataclass(frozen=True)
class Spot:
    """Where a message stands in its chat: its number there, and its topic."""

    message_id: int
    thread: int | None


@dataclass(frozen=True)
class Post:
    """Asks Telegram, through *bot*, and notes in *paces* that it did."""

    bot: ChatBot
    paces: Paces
    clock: Clock

    async def is_open(self, chat: int) -> bool:
        """Whether Telegram answers now of that chat, be it with a no; nothing is shown for good."""
        try:
            await self.bot.send_chat_action(chat, ChatAction.TYPING)
        except TelegramError as error:
            return isinstance(error, (BadRequest, Forbidden))
        return True

    async def bring(self, delivery: Delivery, message: Message) -> Spot:
        """Send or edit it as *message*, where its topic is gone in the group itself."""
        try:
            return Spot(await self._bring(delivery, message), message.thread)
        except BadRequest as error:
            if _NO_TOPIC not in error.message.lower() or message.thread is None:
                raise
            return await self.bring(delivery, replace(message, thread=None))

    async def _bring(self, delivery: Delivery, message: Message) -> int:
        try:
            return await self._ask(delivery, message)
        except BadRequest as error:
            reason = error.message.lower()
            message_id = delivery.rows[0].message_id
            if "not modified" in reason and message_id is not None:
                return message_id
            if "can't parse entities" in reason:
                logger.warning("chat: Telegram does not take the markup of %s", message.key)
                return await self._ask(delivery, message, markup=False)
            has_file = message.document or message.picture
            if has_file and _NO_TOPIC not in reason:  # a group may take texts alone
                logger.info("chat: %s goes without its file: %s", message.key, error.message)
                return await self._ask(delivery, without_file(message))
            raise

    async def _ask(self, delivery: Delivery, message: Message, *, markup: bool = True) -> int:
        is_caption = message.document or message.picture
        fits = fitting(message.text, MOST_IN_CAPTION if is_caption else MOST_SHOWN)
        text = fits if markup else strip_tags(fits)
        parse_mode = ParseMode.HTML if markup else None
        message_id = delivery.rows[0].message_id
        self.paces.asked(delivery, self.clock.monotonic())
        if message_id is not None:
            await self.bot.edit_message_text(
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
        return await self.bot.send_message(
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
        return await self.bot.send_document(
            message.chat,
            document,
            caption=text,
            **how(message, parse_mode),
        )

    async def _send_picture(
        self, message: Message, text: str, parse_mode: ParseMode | None
    ) -> SentMessage:
        picture = await asyncio.to_thread(InputFile, message.picture or b"", "picture.png")
        return await self.bot.send_photo(
            message.chat,
            picture,
            caption=text,
            **how(message, parse_mode),
        )
