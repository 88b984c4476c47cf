"""Whether a person may do what was asked for; a refusal is one polite sentence and a log line."""

import logging
from collections.abc import Collection
from dataclasses import dataclass

from bot.domain.jobs import JobKind
from bot.domain.orders import OrderKind
from bot.domain.roles import Access, Act, ChatRole, may, may_cancel, who_may
from bot.entrypoints.telegram import question_texts, role_texts
from bot.entrypoints.telegram.asked import Person, Place, Request
from bot.entrypoints.telegram.pressed import Deed
from bot.services.orders import Orders
from bot.services.ports import Clock

logger = logging.getLogger(__name__)

OF_JOB = {JobKind.BACKUP: Act.BACKUP, JobKind.DRILL: Act.DRILL}
"""Jobs that can be begun once more with a button."""


OF_DEED = {
    Deed.PAGE: Act.BACKUPS,
    Deed.SHOW: Act.BACKUPS,
    Deed.BACKUP: Act.BACKUP,
    Deed.VERIFY: Act.VERIFY,
    Deed.DRILL: Act.DRILL,
    Deed.PIN: Act.PIN,
    Deed.UNPIN: Act.UNPIN,
    Deed.RESTORE: Act.RESTORE,
    Deed.UNDO: Act.RESTORE,
    Deed.UPDATE: Act.UPDATE,
    Deed.ROLLBACK: Act.ROLLBACK,
    Deed.SAID: Act.LOGS,
    Deed.STATUS: Act.STATUS,
    Deed.JOBS: Act.JOBS,
    Deed.ALL_JOBS: Act.JOBS,
    Deed.JOB: Act.JOBS,
    Deed.WHY: Act.LOGS,
    Deed.LOG: Act.LOGS,
}


@dataclass(frozen=True)
class Permits:
    """Judges by the role of whoever writes or presses, at that moment; refusals are kept."""

    access: Access
    orders: Orders
    clock: Clock

    def role_of(self, person: Person) -> ChatRole | None:
        """None for a stranger."""
        return self.access.role_of(person.id)

    def allows(self, person: Person, act: Act) -> bool:
        """Whether *person* may do it."""
        return may(self.role_of(person), act)

    async def refusal(
        self, request: Request, act: Act, about: str = "", *, is_anothers: bool = False
    ) -> str:
        """Why its person may not do it, in a sentence; "" where they may. The log has either.

        *is_anothers*: it answers a question that somebody else was asked.
        """
        person, place = request.person, request.place
        if not self.allows(person, act):
            self._note(person, place, act)
            await self._keep(request, act, about, f"it is for {who_may(act)}")
            return role_texts.refused(act, self.role_of(person))
        if is_anothers:
            self._note(person, place, act, " by somebody else's question")
            await self._keep(request, act, about, question_texts.WHY_NOT_THEIRS)
            return question_texts.FOR_SOMEBODY_ELSE
        logger.info("chat: user %s %s asked for /%s", person.id, place.words, act)
        return ""

    async def no_cancelling(self, request: Request, kind: JobKind) -> str:
        """Why its person may not stop a job of that *kind*; "" where they may."""
        if kind in self.may_cancel(request.person):
            return ""
        self._note(request.person, request.place, Act.CANCEL, f" of a {kind}")
        await self._keep(request, Act.CANCEL, "", role_texts.why_not_cancelled(kind))
        return role_texts.not_cancelled(kind)

    def may_cancel(self, person: Person) -> Collection[JobKind]:
        """The jobs that *person* may stop."""
        return may_cancel(self.role_of(person))

    async def _keep(self, request: Request, act: Act, about: str, why: str) -> None:
        if act in [*OrderKind]:  # the others are for everybody on the lists
            order = request.order(OrderKind(act), about, self.clock.now())
            await self.orders.refuse(order, why)

    def _note(self, person: Person, place: Place, act: Act, what: str = "") -> None:
        role = self.role_of(person)
        words = role.word if role else "stranger"
        logger.warning(
            "chat: user %s (%s) %s asked for /%s%s and was refused",
            *(person.id, words, place.words, act, what),
        )
