"""What is told of a question that does not count any more. Pure, like `texts`."""

from datetime import datetime

from bot.entrypoints.telegram.markup import code
from bot.entrypoints.telegram.texts import Wall
from bot.entrypoints.telegram.typed import Put, Unclear

NOBODY_WAITS = "This question is closed. Nothing was done."
PLAN_CHANGED = "The plan has changed since. Nothing was done."
CLOSED = "This question is closed."
TOO_LATE = "That is too late, the question has expired. Nothing was done."
NEVER_ASKED = (
    "This could not be asked in time: the question has expired. Nothing was done; ask again."
)
FOR_SOMEBODY_ELSE = "This question is for somebody else."
WHY_NOT_THEIRS = "somebody else was asked"


def until(text: str, expires: datetime, wall: Wall) -> str:
    """*text*, and until when its question stands: it may be long under way."""
    return f"{text}\nThis question stands until {wall.time(expires)}."


def answered_before(answer: str) -> str:
    """That somebody was faster, or pressed twice."""
    return f"This question has been answered: {answer}."


def word_too_late(word: str) -> str:
    """The answer to a word that was typed when the question had expired."""
    return f"{TOO_LATE} Ask anew: /{word}."


def not_asked_there(word: str) -> str:
    """The answer to a word that replies to a message which is no question for it."""
    return (
        "Nothing was done: the message that you replied to is no open question of yours. Reply"
        f" with {code(word)} to the question that you mean, or ask anew: /{word}."
    )


def which_is_meant(word: str) -> str:
    """The answer to a word where more than one question stands for it."""
    return (
        "Nothing was done: more than one question of yours stands for that word. Reply with"
        f" {code(word)} to the one that you mean, or press No under the others and type it again."
    )


def why_not(found: Put | Unclear, word: str) -> str:
    """The answer to a word that is taken for no question's."""
    if isinstance(found, Put):
        return answered_before(found.answer)
    if found is Unclear.SEVERAL:
        return which_is_meant(word)
    return not_asked_there(word)
