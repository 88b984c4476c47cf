"""Inline keyboards: what Telegram refuses, and the buttons that a person sees.

A button without text is an error here; Telegram itself leaves it out without a word.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from tests.bot_api.errors import ApiError, Json, bad_request

MOST_BUTTONS = 100
MOST_DATA = 64
_URL = re.compile(r"(?:https?|tg|ton)://[^\s/]+\S*")


@dataclass(frozen=True)
class Button:
    """What a person can press: either it calls back with *data*, or it opens *url*."""

    label: str
    data: str = ""
    url: str = ""


def parse_reply_markup(sent: str, *, inline_only: bool = False) -> Json | None:
    """Return the keyboard that was *sent*, None for none or an empty one.

    Raises:
        ApiError: Telegram would refuse it.
    """
    if not sent:
        return None
    try:
        markup = json.loads(sent)
    except ValueError:
        raise bad_request("can't parse reply keyboard markup JSON object") from None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" not in markup:
        if inline_only and markup:
            raise bad_request("inline keyboard expected")
        return markup or None
    rows = _checked_rows(markup["inline_keyboard"])
    return {"inline_keyboard": rows} if rows else None


def buttons(markup: Json | None) -> list[list[Button]]:
    """Return the rows of buttons under a message."""
    rows = (markup or {}).get("inline_keyboard", [])
    return [[_seen(button) for button in row] for row in rows]


def _seen(button: Json) -> Button:
    return Button(button["text"], button.get("callback_data", ""), button.get("url", ""))


def _checked_rows(rows: Any) -> list[list[Json]]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request(
            'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays'
        )
    kept = [[_checked(button) for button in row] for row in rows if row]
    if sum(len(row) for row in kept) > MOST_BUTTONS:
        raise bad_request("reply markup is too long")
    return kept


def _checked(button: Any) -> Json:
    if not isinstance(button, dict):
        raise _unparsable("InlineKeyboardButton must be an Object")
    text = button.get("text")
    if not isinstance(text, str):
        raise _unparsable('Can\'t find field "text"')
    if not text.strip():
        raise _unparsable('Field "text" must be non-empty')
    if url := button.get("url"):
        return {"text": text, "url": _checked_url(url)}
    if "callback_data" in button:
        return {"text": text, "callback_data": _checked_data(button["callback_data"])}
    raise _unparsable("Text buttons are unallowed in the inline keyboard")


def _checked_data(data: Any) -> str:
    if not isinstance(data, str) or not 1 <= len(data.encode()) <= MOST_DATA:
        raise bad_request("BUTTON_DATA_INVALID")
    return data


def _checked_url(url: Any) -> str:
    if not isinstance(url, str) or not _URL.fullmatch(url):
        raise bad_request("BUTTON_URL_INVALID")
    return url


def _unparsable(why: str) -> ApiError:
    return bad_request(f"can't parse inline keyboard button: {why}")
