"""From the library's updates to what was asked, and to whom that goes."""

import logging
from dataclasses import dataclass
from functools import partial
from typing import Any

from telegram import CallbackQuery, Message, Update
from telegram.error import TelegramError
from telegram.ext import (
    Application,
    CallbackQueryHandler,
    CommandHandler,
    MessageHandler,
    TypeHandler,
    filters,
)

from bot.entrypoints.telegram.ages import Ages
from bot.entrypoints.telegram.asked import Asked, Person, Place, command_text
from bot.entrypoints.telegram.auth import Gate
from bot.entrypoints.telegram.client import words
from bot.entrypoints.telegram.commands import AGAIN_PREFIX, COMMANDS, Commands
from bot.entrypoints.telegram.offers import Offers
from bot.entrypoints.telegram.pressed import Press
from bot.entrypoints.telegram.questions import PREFIX, QuestionDesk

logger = logging.getLogger(__name__)

AnyApplication = Application[Any, Any, Any, Any, Any, Any]
_LONGEST_TOAST = 200


@dataclass(frozen=True)
class Handlers:
    """The chat's handlers; the gate stands before all of them."""

    gate: Gate
    ages: Ages
    commands: Commands
    offers: Offers
    desk: QuestionDesk

    def register(self, application: AnyApplication) -> None:
        """Add them to *application*."""
        new = filters.UpdateType.MESSAGE
        application.add_handler(TypeHandler(Update, self.gate), group=-1)
        application.add_handler(CommandHandler(list(COMMANDS), self.command, new))
        application.add_handler(MessageHandler(filters.COMMAND & new, self.unknown))
        application.add_handler(CallbackQueryHandler(self.answer, f"^{PREFIX}"))
        application.add_handler(CallbackQueryHandler(self.again, f"^{AGAIN_PREFIX}"))
        application.add_error_handler(_log_error)

    async def command(self, update: Update, _: Any) -> None:
        asked = _asked(update)
        if asked and self.offers.is_stale(asked):
            await self.offers.offer(asked)
        elif asked:
            await self.commands.run(asked)

    async def unknown(self, update: Update, context: Any) -> None:
        """What is addressed to another bot is that one's; in a group, so is what is to nobody."""
        asked = _asked(update)
        if asked is None:
            return
        to_me = asked.address == str(context.bot.username).lower()
        if to_me or not (asked.address or asked.place.is_group):
            await self.commands.run(asked)

    async def answer(self, update: Update, _: Any) -> None:
        if press := self._press(update):
            await self.desk.press(press)

    async def again(self, update: Update, _: Any) -> None:
        if press := self._press(update):
            await self.commands.again(press)

    def _press(self, update: Update) -> Press | None:
        query = update.callback_query
        if query is None or query.data is None or not isinstance(query.message, Message):
            return None
        return Press(
            id=query.id,
            person=Person(id=query.from_user.id, name=query.from_user.first_name),
            place=_place(query.message),
            data=query.data,
            is_young=self.ages.is_young(update.update_id),
            toast=partial(_toast, query),
        )


def _asked(update: Update) -> Asked | None:
    message = update.message
    if message is None or message.from_user is None or not message.text:
        return None
    return Asked(
        place=_place(message),
        person=Person(id=message.from_user.id, name=message.from_user.first_name),
        text=command_text(message.text),
        sent=message.date,
    )


def _place(message: Message) -> Place:
    thread = message.message_thread_id if message.is_topic_message else None
    bot, chat = message.get_bot().id, message.chat_id
    return Place(bot=bot, chat=chat, thread=thread, message_id=message.message_id)


async def _toast(query: CallbackQuery, text: str) -> None:
    """Answer the press; the answer is a courtesy, and what it says stands in the chat as well."""
    try:
        await query.answer(text[:_LONGEST_TOAST])
    except TelegramError as error:
        logger.info("chat: a press could not be answered: %s", words(error))


async def _log_error(_: object, context: Any) -> None:
    """The boundary for errors of ours in a handler; Telegram's own are only named."""
    error = context.error
    if isinstance(error, TelegramError):
        logger.warning("chat: an update could not be handled: %s", words(error))
    else:
        logger.error("chat: an update could not be handled", exc_info=error)
