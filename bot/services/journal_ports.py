"""What the journal promises: jobs, and all that must survive a kill of the conversation.

Every method that writes returns when the change is on the disk. A journal is shared by all
processes that have the same state folder.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from bot.domain.jobs import Job, Outcome
from bot.domain.orders import Order


class JobJournal(Protocol):
    """Jobs, each step written before it is taken.

    Raises PortError when the disk does not take it; the caller then must not act.
    """

    async def begin(self, job: Job) -> None:
        """Write a new job."""

    async def plan(self, job_id: str, plan: Mapping[str, str]) -> None:
        """Add to what must be known to undo it."""

    async def commit(self, job_id: str, plan: Mapping[str, str]) -> str:
        """Likewise, unless somebody has asked to cancel it: then that one, and nothing is written.

        "" where it is written.
        """

    async def note(self, job_id: str, plan: Mapping[str, str]) -> None:
        """Add to it what is true already. Like `finish` it never fails for a full disk."""

    async def step(self, job_id: str, step: str) -> None:
        """Say what it is about to do."""

    async def progress(self, job_id: str, words: str, share: float | None) -> str:
        """Say how far it is; who has asked to cancel it meanwhile, or "". May be lost by a kill."""

    async def ask_to_cancel(self, job_id: str, actor: str) -> Job | None:
        """Leave a wish to cancel where the job can still be stopped, which it says as it is then.

        None where it does not run any more.
        """

    async def crashed(self, job_id: str) -> Job:
        """Count one more process that died in it, before anything is done about it."""

    async def finish(self, job_id: str, outcome: Outcome, ended: datetime) -> None:
        """Write how it ended. Never fails for a full disk: room was kept for it."""

    async def job(self, job_id: str) -> Job | None:
        """One job."""

    async def jobs(self, limit: int = 20) -> Sequence[Job]:
        """The newest jobs, newest first."""

    async def open_jobs(self) -> Sequence[Job]:
        """All of which something half-done may be left, oldest first; a running one is one."""

    async def stuck_jobs(self) -> Sequence[Job]:
        """Those that wait for a person to settle them, the oldest first."""

    async def days(self) -> Collection[date]:
        """Those, in UTC, on which something ended or was written that is remembered still."""

    async def compact(self, before: datetime) -> int:
        """Forget what ended before that; return how many jobs that were."""


class OrderLog(Protocol):
    """Orders that were carried out, or were not, each with its outcome."""

    async def begin(self, order: Order) -> None:
        """Write one that is being carried out, perhaps once more after a kill."""

    async def note(self, order: Order) -> None:
        """Write one that has ended; one of that id that had ended already stays as it is.

        Never fails for a full disk: it happened.
        """

    async def withdraw(self, order_id: str) -> None:
        """Forget one, if there is one of that id."""

    async def running(self) -> Sequence[Order]:
        """Those that have begun and not ended, the oldest first."""

    async def orders(self, limit: int, *, unmet: bool = False) -> Sequence[Order]:
        """The newest ones that were carried out or tried, newest first.

        *unmet*: instead those of which nothing came.
        """


class JobLock(Protocol):
    """One mutating job at a time, across processes, containers and hosts of the same stack."""

    def hold(self, job: Job | None) -> AbstractAsyncContextManager[None]:
        """Hold it while the context lives, for *job* or to settle what others left.

        Raises BusyError at once when somebody else holds it.
        """


Buttons = tuple[tuple[tuple[str, str], ...], ...]
"""Rows of (label, data)."""

NUMBERED_ANEW = timedelta(days=6)
"""Telegram picks the next `update_id` at random after a week without updates."""


@dataclass(frozen=True)
class Incoming:
    """An update as the chat service sent it; *received* is when it was stored here."""

    update_id: int
    payload: Mapping[str, Any]
    received: datetime


class Inbox(Protocol):
    """Updates, stored before they are confirmed, so that each is handled once."""

    async def store(
        self,
        updates: Sequence[Mapping[str, Any]],
        received: datetime,
        done: Collection[int] = (),
    ) -> None:
        """Keep *updates*; one that is there already, handled or not, stays as it is.

        Those whose `update_id` is in *done* ask for nothing and count as handled.
        """

    async def next_offset(self, now: datetime) -> int:
        """One more than the highest `update_id` that was stored; 0 at the very first.

        0 also when none has come for NUMBERED_ANEW: the chat service may number them anew then.
        """

    async def unhandled(self) -> Sequence[Incoming]:
        """What is still to be handled, by `update_id`."""

    async def handled(self, update_id: int) -> None:
        """It was dealt with, whatever came of it."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message on its way out.

    *key* names it for good: a second message with the same key is not written. *chat* and *thread*
    say where to. *document* is a file's text, *picture* a PNG that is forgotten once it was sent;
    *text* is then the caption. *silent*: it does not ring.
    """

    key: str
    chat: int
    text: str
    thread: int | None = None
    buttons: Buttons = ()
    silent: bool = False
    document: tuple[str, str] | None = None  # file name, content
    picture: bytes | None = None


@dataclass(frozen=True)
class Queued:
    """A message in the outbox.

    *attempted*: a send was begun and nobody knows whether it arrived. *message_id* is the chat
    service's, once it was sent. *message* is as it should stand; when *stale* it does not yet.
    *dropped*: it was given up, and is not waiting any more.
    """

    number: int
    message: Message
    written: datetime
    attempted: bool = False
    message_id: int | None = None
    stale: bool = False
    dropped: bool = False


class Outbox(Protocol):
    """Messages, sent in the order in which they were written, none lost."""

    async def put(self, message: Message, written: datetime) -> bool:
        """Write a message; False where its key is known already."""

    async def change(self, key: str, text: str, buttons: Buttons = ()) -> None:
        """Let a message stand otherwise, sent or not; it is edited in its place."""

    async def waiting(self) -> Sequence[Queued]:
        """What is to be sent or edited, in order."""

    async def attempt(self, number: int) -> None:
        """A send begins; written before it does."""

    async def sent(
        self, number: int, message_id: int, shown: Message, kept: str | None = None
    ) -> None:
        """It arrived, or was edited, and stands there as *shown* now, in whichever topic that is.

        *kept*: its text from now on, which counts as shown; what was changed since is left alone.
        """

    async def arrived(self, message: Message, message_id: int, written: datetime) -> None:
        """Write a message that stands there already, in the place of others, once."""

    async def drop(self, number: int, reason: str) -> None:
        """It can never arrive, e.g. the bot was blocked."""

    async def find(self, key: str) -> Queued | None:
        """The message of that key, sent or not."""

    async def at(self, chat: int, message_id: int) -> Queued | None:
        """The message that stands there, as the chat service numbers it; the newest of several."""

    async def people(self) -> Collection[int]:
        """Who was written to in private, as far back as it goes."""

    async def last_arrived(self, chat: int) -> int:
        """The number of the newest message that has arrived in *chat*; 0 where none is known."""

    async def given_up(self, chat: int) -> Sequence[Queued]:
        """What was dropped in *chat* unseen, since the newest that has arrived there, in order."""

    async def named(self, prefix: str) -> Sequence[Queued]:
        """The messages whose keys begin with *prefix*, sent or not, in order."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A decision that a person is asked for.

    *plan_hash* is of what will be done if the answer is yes: a plan that has changed since is
    refused. Only *person* may answer, in *chat*, until *expires*, and once. *word*: what can be
    typed instead of a choice, "" for nothing.
    """

    id: str
    plan_hash: str
    person: int
    chat: int
    expires: datetime
    choices: tuple[str, ...]
    word: str = ""


QUESTION_KEY = "question:"
"""What the keys of messages that put a question begin with; the rest is the question's id."""


class Moves(Protocol):
    """Groups that have become supergroups, and so have another number.

    What is written for the old number, from then on, is written for the new one.
    """

    async def known(self) -> Mapping[int, int]:
        """The new number of each old one."""

    async def follow(self, old: int, new: int) -> None:
        """Remember it; what is still to be sent goes there, and open questions are put anew there.

        The same move once more changes nothing.
        """


class Questions(Protocol):
    """Questions and their answers."""

    async def ask(self, question: Question) -> None:
        """Write a question, before it is put."""

    async def find(self, question_id: str) -> tuple[Question, str] | None:
        """A question and its answer so far, "" for none."""

    async def worded(self, word: str, person: int, chat: int) -> Sequence[tuple[Question, str]]:
        """Those that *person* answers with *word* in *chat*, and their answers so far.

        The newest comes first.
        """

    async def answer(self, question_id: str, choice: str) -> bool:
        """Write the answer; False where it had one already."""
