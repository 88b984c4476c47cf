"""From the library's updates to what was asked, and to whom that goes."""

import logging
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from telegram import CallbackQuery, Message, Update, User
from telegram.error import TelegramError
from telegram.ext import (
    Application,
    CallbackQueryHandler,
    MessageHandler,
    TypeHandler,
    filters,
)

from bot.domain.errors import BotError, is_retryable
from bot.domain.roles import Act
from bot.entrypoints.telegram.again import Again
from bot.entrypoints.telegram.ages import Ages
from bot.entrypoints.telegram.asked import Person
from bot.entrypoints.telegram.auth import Gate
from bot.entrypoints.telegram.choosing import OF_CHOICE
from bot.entrypoints.telegram.client import words
from bot.entrypoints.telegram.command_table import COMMANDS
from bot.entrypoints.telegram.errands import Errands
from bot.entrypoints.telegram.offers import Offers
from bot.entrypoints.telegram.permits import Permits
from bot.entrypoints.telegram.pressed import AGAIN_PREFIX, DEED_PREFIX, Press
from bot.entrypoints.telegram.questions import ASKED, PREFIX, QuestionDesk
from bot.entrypoints.telegram.reading import (
    WORDS,
    asked_in,
    is_for,
    place_of,
    reply_in,
    word_in,
)
from bot.entrypoints.telegram.requests import Requests
from bot.entrypoints.telegram.restoring import LAST_OF_RESTORE, PLAN
from bot.entrypoints.telegram.rolling_back import WAY_BACK
from bot.entrypoints.telegram.shelf import Shelf
from bot.entrypoints.telegram.typed import Typed
from bot.entrypoints.telegram.updating import LAST_OF_UPDATE, WAY

logger = logging.getLogger(__name__)

AnyApplication = Application[Any, Any, Any, Any, Any, Any]
_LONGEST_TOAST = 200
_MOST_TOASTS = 4  # at once; they are a courtesy


OF_QUESTION = {
    **dict.fromkeys((PLAN, LAST_OF_RESTORE), Act.RESTORE),
    **dict.fromkeys((WAY, LAST_OF_UPDATE, ASKED), Act.UPDATE),
    WAY_BACK: Act.ROLLBACK,
    **OF_CHOICE,
}
"""What questions are about, by the first letter of their ids; offers are judged when they run."""


@dataclass(frozen=True)
class Handlers:
    """The chat's handlers; the gate stands before all of them."""

    gate: Gate
    ages: Ages
    requests: Requests
    retries: Again
    offers: Offers
    desk: QuestionDesk
    shelf: Shelf
    toasts: Errands
    permits: Permits
    _struck: dict[int, BotError] = field(default_factory=dict)  # by update

    def register(self, application: AnyApplication) -> None:
        """Add them to *application*."""
        application.add_handler(TypeHandler(Update, self.gate), group=-1)
        new_command = filters.COMMAND & filters.UpdateType.MESSAGE
        application.add_handler(MessageHandler(new_command, self.command))
        application.add_handler(
            MessageHandler(filters.TEXT & filters.UpdateType.MESSAGE, self.word)
        )
        application.add_handler(CallbackQueryHandler(self.answer, f"^{PREFIX}"))
        application.add_handler(CallbackQueryHandler(self.again, f"^{AGAIN_PREFIX}"))
        application.add_handler(CallbackQueryHandler(self.deed, f"^{DEED_PREFIX}"))
        application.add_error_handler(self._failed)

    async def handle(self, application: AnyApplication, update: Update) -> None:
        """Let the handlers have *update*, one of a person and chat at a time.

        Their own errors end here. Raises the error that struck one and may pass: then *update* must
        be handled again.
        """
        await application.process_update(update)
        if error := self._struck.pop(update.update_id, None):
            raise error

    async def give_up(self, update: Update, error: BotError) -> None:
        """Tell whoever sent *update* that it was in vain."""
        if asked := asked_in(update.message):
            await self.requests.give_up(asked.request, error)
        elif press := self._press(update):
            await self.requests.give_up(press.request, error)

    async def _failed(self, update: object, context: Any) -> None:
        """The boundary for errors in a handler; Telegram's own are only named."""
        error = context.error
        if isinstance(error, TelegramError):
            logger.warning("chat: an update could not be handled: %s", words(error))
        elif isinstance(update, Update) and is_retryable(error):
            self._struck[update.update_id] = error
        else:
            logger.error("chat: an update could not be handled", exc_info=error)

    async def command(self, update: Update, context: Any) -> None:
        asked = asked_in(update.message)
        if asked is None or not is_for(asked, context.bot.username):
            return
        if asked.command not in COMMANDS or self.requests.is_refused(asked):
            await self.requests.run(asked)
        elif self.offers.is_stale(asked):
            await self.offers.offer(asked)
        else:
            await self.requests.run(asked)

    async def word(self, update: Update, _: Any) -> None:
        """A word may be the answer to a question, which then knows whether it came in time."""
        message = update.message
        word = word_in(message)
        if message is None or message.from_user is None or not word:
            return
        person, act = _person(message.from_user), WORDS[word]
        typed = Typed(word=word, sent=message.date, reply=reply_in(message))
        is_allowed = self.permits.allows(person, act)
        if not is_allowed and not typed.reply:
            return  # it was said, not asked
        press = Press(
            id=word,
            person=person,
            place=place_of(message),
            data="",
            is_young=True,
            toast=_tell_nobody,
        )
        if await self.desk.is_word_for_another(typed, press):
            why = await self.permits.refusal(press.own_request, act, is_anothers=True)
            await self.desk.refuse_word(press, why)
        elif is_allowed:
            await self.desk.typed(typed, press)

    async def answer(self, update: Update, _: Any) -> None:
        if press := self._press(update):
            act = OF_QUESTION.get(press.data.removeprefix(PREFIX)[:1], Act.HELP)
            is_anothers = await self.desk.is_anothers(press)
            if refusal := await self.permits.refusal(
                press.own_request, act, is_anothers=is_anothers
            ):
                await press.toast(refusal)
            else:
                await self.desk.press(press)

    async def again(self, update: Update, _: Any) -> None:
        if press := self._press(update):
            await self.retries.press(press)

    async def deed(self, update: Update, _: Any) -> None:
        if press := self._press(update):
            await self.shelf.press(press)

    def _press(self, update: Update) -> Press | None:
        query = update.callback_query
        if query is None or query.data is None or not isinstance(query.message, Message):
            return None
        return Press(
            id=query.id,
            person=_person(query.from_user),
            place=place_of(query.message),
            data=query.data,
            is_young=self.ages.is_young(update.update_id),
            toast=partial(self._toast, query),
        )

    async def _toast(self, query: CallbackQuery, text: str) -> None:
        """Answer the press, beside the updates: what it says stands in the chat as well."""
        if len(self.toasts) < _MOST_TOASTS:
            self.toasts.begin(_show(query, text))


def _person(user: User) -> Person:
    return Person(id=user.id, name=user.first_name)


async def _tell_nobody(_: str) -> None:
    """What is typed is answered by messages alone."""


async def _show(query: CallbackQuery, text: str) -> None:
    try:
        await query.answer(text[:_LONGEST_TOAST])
    except TelegramError as error:
        logger.info("chat: a press could not be answered: %s", words(error))
