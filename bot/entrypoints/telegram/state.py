"""How the conversation with Telegram is, for whoever asks: `check`, healthz, the log."""

import logging
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.services.ports import Clock

logger = logging.getLogger(__name__)


class Condition(StrEnum):
    """What can be said of the connection."""

    STARTING = "starting"
    OK = "ok"
    NOBODY = "nobody"
    UNREACHABLE = "unreachable"
    CONFLICT = "conflict"
    REFUSED = "refused"


_LEVELS = {Condition.OK: logging.INFO, Condition.REFUSED: logging.ERROR}


@dataclass(frozen=True)
class ChatState:
    """*words* say it in a sentence, *since* when it has been so."""

    condition: Condition
    words: str
    since: datetime


class StateBoard:
    """The state as it is now; a change of it is logged, once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._state = ChatState(Condition.STARTING, "connecting to Telegram", clock.now())

    @property
    def state(self) -> ChatState:
        return self._state

    def show(self, condition: Condition, words: str) -> None:
        """Replace the state; *since* stays where only the words have changed."""
        if condition is self._state.condition:
            self._state = ChatState(condition, words, self._state.since)
            return
        self._state = ChatState(condition, words, self._clock.now())
        logger.log(_LEVELS.get(condition, logging.WARNING), "chat: %s: %s", condition, words)
