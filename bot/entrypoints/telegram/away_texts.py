"""What is said of an absence: of the bot's, and of people whom it cannot reach. Pure."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.entrypoints.telegram.job_texts import TRY_OR_LOOK
from bot.entrypoints.telegram.markup import LONGEST_TEXT, plain, strip_tags
from bot.entrypoints.telegram.refusal_texts import why_not
from bot.entrypoints.telegram.texts import Wall

REPEAT = "\n<i>(perhaps a repeat)</i>"
"""Stands below what was sent once more after a kill in between."""
OWN_ERROR = "an error in akbot itself"
"""Why a message cannot be sent for which nobody else is to blame."""
LATE = timedelta(minutes=2)
"""What arrives later than this after it was written says so."""

_MOST_MISSED = 3
_LONGEST_MISSED = 600
_HOW_LONG = re.compile(
    r"(?<=\d\d:\d\d) "  # what stands behind a time
    r"\((?:just now|\d+ (?:min|h|days) ago|in [\d.]+ (?:s|min|h|days)(?: \d+ [a-z]+)?)\)"
)


def while_away(
    told: Sequence[tuple[datetime, str]], first: int, total: int, wall: Wall, *, had_buttons: bool
) -> str:
    """Messages that could not be sent for a while, in one: when each was written, and its HTML.

    *told* are those from number *first* on, of *total*.
    """
    last = first + len(told) - 1
    part = "" if len(told) == total else f" ({first} to {last})"
    things = "1 thing" if total == 1 else f"{total} things"
    lines = [f"<b>{things} happened while I was away</b>{part}:"]
    lines += [
        f"<b>{wall.moment(written)}</b>\n{_unpressed(_timeless(text))}" for written, text in told
    ]
    if had_buttons:
        lines.append(
            "Their own buttons are gone. Those below are about how things are now; /jobs has what"
            " came of each."
        )
    return "\n\n".join(lines)


def late(text: str, written: datetime, wall: Wall) -> str:
    """HTML that was *written* a while ago, for who reads it now and would take it for new."""
    return f"🕰 <i>From {wall.moment(written)}</i>\n{_timeless(text)}"


def _timeless(text: str) -> str:
    """*text* without how long ago, or in how long, its moments were when it was written."""
    return _HOW_LONG.sub("", text)


def _unpressed(text: str) -> str:
    """*text* without the sentence about buttons, which stand below all of them now."""
    if TRY_OR_LOOK not in text:
        return text
    lines = [line.replace(TRY_OR_LOOK, "").rstrip() for line in text.split("\n")]
    return "\n".join(filter(None, lines))


def out_of_reach(chat: int, reason: str) -> str:
    """That a chat takes nothing any more, told once to the others."""
    if chat > 0:
        who, then = f"user {chat}", "they unblock it and send it /start"
    else:
        who, then = f"group {chat}", "it is added again and somebody sends /status there"
    return (
        f"⚠️ I cannot write to {who}: {plain(why_not(reason), 200)}."
        f" No alarm arrives there until {then}."
        " I say this once; what nobody else has heard comes to you."
    )


def missed(told: Sequence[tuple[datetime, str]], wall: Wall) -> str:
    """What could not arrive in a chat that can be written to again: when each was, and its HTML."""
    moment = wall.moment(told[0][0])
    if len(told) == 1:
        head = f"<b>A message could not be delivered here</b>, at {moment}. It said:"
    else:
        head = f"<b>{len(told)} messages could not be delivered here</b>, the first at {moment}."
        head += " They said:" if len(told) <= _MOST_MISSED else " The newest of them said:"
    newest = [
        f"<b>{wall.moment(written)}</b>\n{_in_short(text)}"
        for written, text in told[-_MOST_MISSED:]
    ]
    return "\n\n".join([f"⚠️ {head}", *newest, "/status and /jobs show how things are now."])


def in_plain_words(reason: str, text: str) -> str:
    """A message that its own chat does not take as it was; *text* is its HTML."""
    head = f"⚠️ A message could not be delivered here as it was: {plain(reason, 200)}. It said:"
    return f"{head}\n\n{plain(strip_tags(text), LONGEST_TEXT // 2)}"


def _in_short(text: str) -> str:
    return plain(strip_tags(_timeless(text)), _LONGEST_MISSED)


def trial() -> str:
    """A message that only shows that messages arrive."""
    return (
        "🔔 <b>A test</b>: alarms of akbot reach you here. Nothing has happened, and there is"
        " nothing to do."
    )


def not_reached(chat: int, reason: str, bot: str) -> str:
    """Why such a message did not arrive, and what its reader can do; for a terminal."""
    if chat < 0:
        return f"{why_not(reason, f'@{bot}')}; add @{bot} to that group, and let it write there"
    return f"{why_not(reason, f'@{bot}')}; let them open @{bot} in Telegram and press Start"
