"""Asks people whether a version stays that holds inside, while its public URL does not answer."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from hashlib import sha256

from bot.domain.errors import BotError
from bot.domain.messages import RunUpdate
from bot.domain.update_gate import Judgement
from bot.entrypoints.telegram import texts, update_texts
from bot.entrypoints.telegram.asked import parse_origin, person_of
from bot.entrypoints.telegram.asking import Ask as AskOne
from bot.entrypoints.telegram.button_texts import GO_BACK, KEEP
from bot.services.ports import Clock
from bot.services.update_ports import Ask

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Hearer:
    """Who is asked, and where."""

    person: int
    chat: int
    thread: int | None = None


@dataclass(frozen=True)
class Staying:
    """Asks whoever asked for the update in the chat, else all *people*.

    The first answer counts; without one it does not stay.
    """

    ask: AskOne
    clock: Clock
    zone: tzinfo
    people: Sequence[int]

    def of(self, command: RunUpdate) -> Ask:
        """The Ask for the update that *command* began."""

        async def ask(judgement: Judgement, until: datetime) -> bool | None:
            hearers = self._hearers(command)
            if not hearers:
                logger.error("nobody can be asked whether the update stays")
                return None
            return await self._first_answer(hearers, command.tag, judgement, until) == KEEP

        return ask

    def _hearers(self, command: RunUpdate) -> list[_Hearer]:
        place, person = parse_origin(command.origin), person_of(command.actor)
        if place and person:
            return [_Hearer(person.id, place.chat, place.thread)]
        return [_Hearer(each, each) for each in self.people]

    async def _first_answer(
        self, hearers: Sequence[_Hearer], tag: str, judgement: Judgement, until: datetime
    ) -> str | None:
        asked = [asyncio.create_task(self._answer(each, tag, judgement, until)) for each in hearers]
        try:
            for answer in asyncio.as_completed(asked):
                if choice := await answer:
                    return choice
        finally:
            for each in asked:
                each.cancel()
            await asyncio.wait(asked)
        return None

    async def _answer(
        self, hearer: _Hearer, tag: str, judgement: Judgement, until: datetime
    ) -> str | None:
        now = self.clock.now()
        try:
            return await self.ask(
                chat=hearer.chat,
                thread=hearer.thread,
                person=hearer.person,
                plan_hash=sha256(f"{tag} {judgement.reason}".encode()).hexdigest(),
                text=update_texts.stays(tag, judgement, until, texts.Wall(now, self.zone)),
                choices=(KEEP, GO_BACK),
                within=until - now,
                unanswered=update_texts.NOBODY_ANSWERED,
            )
        except BotError as error:
            logger.warning("chat: cannot ask whether the update stays: %s", error)
            return None
