"""A message of the outbox as the library wants it."""

from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.constants import ParseMode

from bot.services.journal_ports import Buttons, Message


def how(message: Message, parse_mode: ParseMode | None) -> dict[str, Any]:
    """What holds of a text as of a file."""
    return {
        "parse_mode": parse_mode,
        "message_thread_id": message.thread,
        "disable_notification": message.silent,
        "reply_markup": keyboard(message.buttons),
    }


def keyboard(buttons: Buttons) -> InlineKeyboardMarkup | None:
    """Rows of buttons; None takes those away that were there."""
    if not buttons:
        return None
    return InlineKeyboardMarkup(
        [
            [InlineKeyboardButton(label, callback_data=data) for label, data in row]
            for row in buttons
        ]
    )
