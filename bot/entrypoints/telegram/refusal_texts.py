"""Why Telegram takes a message nowhere, in words for people. Pure."""

from bot.entrypoints.telegram.markup import clean

_WHY = {
    "blocked by the user": "they have blocked {me}",
    "can't initiate conversation": "they have never written to {me}",
    "user is deactivated": "their account is gone",
    "was kicked": "{me} was removed from it",
    "not a member": "{me} is not in it any more",
    "topic_closed": "its topic is closed",
    "chat not found": "Telegram knows no such chat, or nobody there has ever written to {me}",
}


def why_not(reason: str, me: str = "this bot") -> str:
    """Why a chat takes nothing, from what Telegram says of it."""
    said = reason.lower()
    known = next((words for part, words in _WHY.items() if part in said), None)
    return known.format(me=me) if known else clean(reason)
