"""The chat put together. Importing this module imports the library; without a token nobody does."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, tzinfo
from functools import partial

from telegram.error import InvalidToken
from telegram.ext import ApplicationBuilder

from bot.domain.agenda import Plan
from bot.domain.errors import ConfigError
from bot.domain.incident import Incident
from bot.domain.jobs import Job
from bot.domain.messages import RunUpdate
from bot.domain.roles import Access, Act
from bot.domain.stack import Role
from bot.domain.update_news import News
from bot.entrypoints.telegram import update_texts
from bot.entrypoints.telegram.again import Again
from bot.entrypoints.telegram.ages import Ages
from bot.entrypoints.telegram.alarm_news import AlarmNews
from bot.entrypoints.telegram.anew import Anew
from bot.entrypoints.telegram.answers import Answers
from bot.entrypoints.telegram.asking import Ask
from bot.entrypoints.telegram.auth import Gate
from bot.entrypoints.telegram.choices import Choices
from bot.entrypoints.telegram.choosing import OF_CHOICE, Choosing, Chosen, choice_of
from bot.entrypoints.telegram.client import ChatBot, make_bot, quiet_libraries
from bot.entrypoints.telegram.commands import Commands
from bot.entrypoints.telegram.deeds import Deeds
from bot.entrypoints.telegram.errands import Errands
from bot.entrypoints.telegram.glance import Glance
from bot.entrypoints.telegram.handlers import AnyApplication, Handlers
from bot.entrypoints.telegram.incident_news import IncidentNews
from bot.entrypoints.telegram.inquiries import Inquiries
from bot.entrypoints.telegram.lapsed import Lapsed
from bot.entrypoints.telegram.lookups import Lookups
from bot.entrypoints.telegram.menus import Menus
from bot.entrypoints.telegram.moves import MovedGroups
from bot.entrypoints.telegram.notifier import Notifier
from bot.entrypoints.telegram.offers import Offers
from bot.entrypoints.telegram.outgoing import Outgoing
from bot.entrypoints.telegram.permits import Permits
from bot.entrypoints.telegram.pictures import Pictures
from bot.entrypoints.telegram.planning import Mute, Planning
from bot.entrypoints.telegram.questions import QuestionDesk, question_of
from bot.entrypoints.telegram.release_news import ReleaseNews
from bot.entrypoints.telegram.reporting import Reporting
from bot.entrypoints.telegram.requests import Requests
from bot.entrypoints.telegram.restoring import PLAN, Restoring
from bot.entrypoints.telegram.rolling_back import WAY_BACK, RollingBack
from bot.entrypoints.telegram.sender import Sender
from bot.entrypoints.telegram.shelf import Shelf
from bot.entrypoints.telegram.starts import Starts
from bot.entrypoints.telegram.state import ChatState, StateBoard
from bot.entrypoints.telegram.staying import Staying
from bot.entrypoints.telegram.typing_sign import TypingSign
from bot.entrypoints.telegram.updates import UpdateLoop
from bot.entrypoints.telegram.updating import WAY, Updating
from bot.entrypoints.telegram.upkeep import keep_going
from bot.entrypoints.telegram.verifies import Verifies
from bot.services.charts import Charts
from bot.services.jobs import Listener
from bot.services.journal_ports import Inbox, Moves, Outbox, Questions
from bot.services.looks import Lookout
from bot.services.operations import Operations, Rolls
from bot.services.orders import Orders
from bot.services.ports import Clock, PauseMark
from bot.services.reports import Reporter
from bot.services.update_ports import Ask as AskToStay
from bot.services.watch_ports import CureLog

BASE_URL = "https://api.telegram.org/bot"
FAREWELL = 10.0  # seconds; the container's grace period has more, but work comes first
_LOOK_AGAIN = 0.1


class Chat:
    """A conversation with the people on the lists.

    Each admin in private, or the groups that are named for it, hear of what fails without anybody
    having asked for it in a chat.
    Register `listener` before jobs begin.
    """

    def __init__(  # noqa: PLR0913 - the composition root names them all
        self,
        *,
        token: str,
        access: Access,
        operations: Operations,
        rolls: Rolls,
        lookout: Lookout,
        charts: Charts,
        reporter: Reporter,
        inbox: Inbox,
        outbox: Outbox,
        questions: Questions,
        moves: Moves,
        plans: Sequence[Plan],
        pause: PauseMark,
        mute: Mute,
        muted_until: Callable[[], datetime | None],
        orders: Orders,
        open_incidents: Callable[[], Awaitable[Sequence[Incident]]],
        cures: CureLog,
        restarts: int,
        roles: Mapping[str, Role],
        clock: Clock,
        zone: tzinfo,
        base_url: str = BASE_URL,
    ) -> None:
        quiet_libraries()
        self._token = token
        self._base_url = base_url
        self._inbox = inbox
        self._clock = clock
        self._zone = zone
        self._board = StateBoard(clock)
        self._outgoing = Outgoing(outbox, clock, zone)
        self._orders = orders
        self._people = access.admins
        self._moved = MovedGroups(moves)
        self._menus = Menus(access, self._moved, clock, outbox)
        self._notifier = Notifier(
            *(operations, self._outgoing, clock, zone),
            alerts=access.hearers,
            moved=self._moved.known,
            then=self._show_anew,
        )
        self._errands, self._toasts = Errands(), Errands()
        self._sign = TypingSign(self._outgoing, clock, self._errands)
        answers = Answers(self._outgoing, zone, self._sign.during)
        permits = Permits(access, orders, clock)
        begin = (self._notifier.announce, self._errands, orders, permits.may_cancel)
        self._starts = Starts(operations, answers, clock, zone, *begin)
        self._desk = QuestionDesk(questions, self._outgoing, clock, zone, self._moved.known)
        self._lapsed = Lapsed(questions, self._outgoing)
        self._inquiries = Inquiries(answers, clock, self._errands, self._has_asked)
        self._staying = Staying(self._desk.ask, clock, zone, self._people)
        self._news = ReleaseNews(self._outgoing, access.hearers)
        self.alarms = AlarmNews(self._outgoing, access.hearers, clock, zone)
        self.incidents = IncidentNews(
            self._outgoing, access.hearers, roles, clock, zone, cures, restarts
        )
        looks = (self._starts, answers, self._inquiries, clock, zone)
        choosing = Choosing(self._desk, clock)
        pictures = Pictures(charts, answers, self._errands)
        deeds = Deeds(
            operations,
            clock,
            self._starts,
            Verifies(operations, self._inquiries, orders, clock, zone),
            Restoring(operations, self._desk, *looks),
            Updating(rolls, self._desk, self._outgoing, choosing, *looks),
            RollingBack(rolls, self._desk, *looks),
            rolls,
            Glance(operations, self._starts, answers, pictures, clock, zone, open_incidents),
            orders,
        )
        self.reports = Reporting(
            reporter,
            operations,
            self._outgoing,
            answers,
            pictures,
            access.hearers,
            clock,
            zone,
        )
        self._anew = Anew(deeds, answers, clock)
        lookups = Lookups(operations, lookout, answers, clock, zone)
        there = (clock, zone, self._starts, answers, deeds, lookups, permits)
        planning = Planning(plans, pause, clock, zone, mute, orders, choosing, muted_until)
        choices = Choices(operations, choosing, self._starts, clock, zone)
        commands = Commands(operations, *there, planning, self.reports, choices)
        requests = Requests(commands, answers, permits)
        for kind in OF_CHOICE:
            self._desk.on_answer(kind, Chosen(requests.run, self._starts.is_dealt_with))
        again = Again(operations, self._outgoing, self._starts, answers, permits)
        shelf = Shelf(operations, self._outgoing, *there, self._moved.known)
        offers = Offers(self._desk, clock, zone, requests, self._starts.is_dealt_with)
        self._ages = Ages()
        gate = Gate(access, self._moved, clock)
        self._handlers = Handlers(
            gate, self._ages, requests, again, offers, self._desk, shelf, self._toasts, permits
        )

    @property
    def state(self) -> ChatState:
        """How the connection is."""
        return self._board.state

    @property
    def listener(self) -> Listener:
        """What is to be told of jobs."""
        return self._notifier.listener

    @property
    def ask(self) -> Ask:
        """Asks a person for a decision."""
        return self._desk.ask

    def ask_whoever_began(self, command: RunUpdate) -> AskToStay:
        """Asks, in an update that *command* has begun, whether what holds inside alone stays."""
        return self._staying.of(command)

    async def tell_news(self, news: News) -> None:
        """Tell every admin, once; it returns when that is in the journal."""
        await self._news.tell(news)

    async def _has_asked(self, request_id: str) -> bool:
        """Whether the look of that request has led to a question."""
        names = [question_of(kind, request_id) for kind in (PLAN, WAY, WAY_BACK)]
        names.append(choice_of(Act.UPDATE, request_id))
        return any([await self._desk.is_put(name) for name in names])

    async def _show_anew(self, job: Job) -> None:
        await self._anew.show(job)

    async def run(self) -> None:
        """Talk until cancelled, or until Telegram refuses the token, which `state` then says.

        Raises:
            ConfigError: the token cannot be one.
        """
        await self._moved.load()
        async with self._application() as (application, bot):
            self._sign.speak_through(bot)
            sender = Sender(bot, self._outgoing, self._lapsed, self._people)
            loop = UpdateLoop(
                application,
                self._handlers,
                bot,
                self._inbox,
                self._ages,
                self._clock,
                self._board,
                sender.heard_from,
            )
            parts: dict[str, Callable[[], Awaitable[None]]] = {
                "sender": partial(self._send, sender),
                "notifier": self._notifier.run,
                "teller of late starts": self._starts.run,
                "teller of looks": self._inquiries.run,
                "menus": partial(self._menus.keep, bot),
                "closer of what was left": self._close_left,
            }
            async with self._errands, self._toasts, asyncio.TaskGroup() as tasks:
                others = [
                    tasks.create_task(keep_going(name, part, self._clock))
                    for name, part in parts.items()
                ]
                await loop.run()
                for task in others:
                    task.cancel()

    async def _send(self, sender: Sender) -> None:
        """What happened while the bot was away is sent together, once all of it is known."""
        await self._notifier.has_looked()
        await sender.run()

    async def _close_left(self) -> None:
        """Questions and orders of an earlier process, once; then there is nothing to do."""
        await self._orders.settle()
        await self._desk.close_left(update_texts.RESTARTED)
        await asyncio.Event().wait()

    async def farewell(self, within: float = FAREWELL) -> None:
        """Wait until all is told and sent, *within* seconds at most; the journal has the rest."""
        until = self._clock.monotonic() + within
        while self._clock.monotonic() < until:
            has_news = self._notifier.has_news or self._starts.has_news
            if not has_news and not await self._outgoing.outbox.waiting():
                return
            await self._clock.sleep(_LOOK_AGAIN)

    @asynccontextmanager
    async def _application(self) -> AsyncGenerator[tuple[AnyApplication, ChatBot]]:
        application, bot = await asyncio.to_thread(self._build)
        try:
            yield application, bot
        finally:
            await application.shutdown()
            await bot.shutdown()

    def _build(self) -> tuple[AnyApplication, ChatBot]:
        """Make the library's objects: it reads certificates and looks at its own files."""
        try:
            bot = make_bot(self._token, self._base_url, self._moved.follow)
        except InvalidToken:
            raise ConfigError(
                "the chat's token is empty", hint="Take the one that @BotFather has given."
            ) from None
        application = ApplicationBuilder().bot(bot).updater(None).job_queue(None).build()
        self._handlers.register(application)
        return application, bot
