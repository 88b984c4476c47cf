"""The daemon, built and tied together: `akbot run`."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from bot.adapters.gauge import DockerGauge
from bot.adapters.heartbeat import HttpHeartbeat
from bot.adapters.mute_file import MuteFile
from bot.adapters.painter import ChildPainter
from bot.app import App, open_app
from bot.domain.container_state import watch_rules
from bot.domain.daemon_report import DaemonReport
from bot.domain.jobs import TAKE_SERVER_AWAY, JobKind, JobState, Trigger, describe
from bot.domain.messages import Command, RunBackup, RunDrill
from bot.domain.schedule import Schedule
from bot.domain.update_news import News
from bot.entrypoints.alarms import AlarmRounds
from bot.entrypoints.catch_up import CatchUp
from bot.entrypoints.daemon import Daemon
from bot.entrypoints.health import health_server
from bot.entrypoints.heartbeat import Heartbeat
from bot.entrypoints.held_back import HeldBack
from bot.entrypoints.logs import start_log
from bot.entrypoints.scheduler import Rounds, Scheduler
from bot.entrypoints.watcher import WatchRounds
from bot.services.alarms import AlarmWatch, LogTeller
from bot.services.charts import Charts
from bot.services.incident_log import LoggedIncidents
from bot.services.operations import Operations
from bot.services.runner import JobRunner
from bot.services.watcher import Watcher
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.entrypoints.telegram.chat import Chat

_LATELY = 200  # jobs
_Farewell = Callable[[], Awaitable[None]]

logger = logging.getLogger(__name__)


async def serve(settings: Settings) -> None:
    """`akbot run`: work until SIGTERM or SIGINT, then end in order."""
    start_log(settings.secrets())
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_app(settings) as app:
        await _Service(app).run(stop)


class _Service:
    """The daemon's parts, built and tied together."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._runner = JobRunner(
            app.journal.jobs,
            app.clock,
            app.run,
            app.backups,
            app.whereabouts.find,
            app.pin,
            app.read_back,
            app.restores.preview,
            app.standing,
            copies=app.stores.several,
            prunes=not all(place.policy.keeps_everything for place in app.stores.places),
        )
        self._chat = _build_chat(app, self._runner, self._mute)
        self._troubles: dict[str, str] = {}
        self._held_back = HeldBack(app.pause, app.clock)
        self._watcher = Watcher(
            app.containers,
            app.journal.incidents,
            self._chat.incidents if self._chat else LoggedIncidents(),
            self._is_quiet,
            app.clock,
            watch_rules(app.settings.service_names()),
            MuteFile(app.folder),
            self._had_stack,
        )
        if self._chat:
            app.listeners.append(self._chat.listener)
            app.ask_whoever_began = self._chat.ask_whoever_began

    async def run(self, stop: asyncio.Event) -> None:
        app, settings = self._app, self._app.settings
        # a wrong key and a journal that cannot be read are told now, not at night
        await asyncio.to_thread(app.keys.keyring)
        await app.journal.jobs.open_jobs()
        parts = [self._chat.run] if self._chat else []
        since = await app.folder.made_at()
        parts += [each.run for each in self._schedulers(since)]
        parts += [each.run for each in self._rounds(since)]
        parts.append(WatchRounds(self._watcher, app.containers, app.clock).run)
        farewells: list[_Farewell] = [self._chat.farewell] if self._chat else []
        if urls := settings.heartbeats:
            heartbeat = Heartbeat(
                frozenset(urls), app.journal.jobs.jobs, HttpHeartbeat(urls).send, app.clock
            )
            app.listeners.append(heartbeat.listener)
            parts.append(heartbeat.run)
            farewells.append(heartbeat.farewell)
        alarms = self._alarms(since)
        app.listeners.append(alarms.listener)
        parts.append(alarms.run)
        if app.stores.several:
            parts.append(CatchUp(self._runner.catch_up, app.clock).run)
        daemon = Daemon(
            runner=self._runner,
            journal=app.journal.jobs,
            recover=partial(app.jobs.recover, at_leisure=True),
            probe=app.folder.probe,
            sweep=app.kept().sweep,
            clock=app.clock,
            parts=[self._held_back.part(each) for each in parts],
            farewell=self._held_back.farewell(partial(_all, farewells)),
            troubles=self._troubles,
        )
        async with (
            app.folder.hold_for_daemon(),
            health_server(settings.health_listen, self._report),
        ):
            names = (place.store.name for place in app.stores.places)
            logger.info("akbot runs; backups go to %s", ", ".join(names))
            await daemon.run(stop)

    def _schedulers(self, since: datetime) -> list[Scheduler]:
        settings, clock = self._app.settings, self._app.clock
        plans: list[tuple[Schedule | None, type[Command]]] = [
            (settings.plan_of_backups, RunBackup),
            (settings.plan_of_drills, RunDrill),
        ]
        return [
            Scheduler(
                new.kind,
                plan,
                _of_schedule(new),
                self._runner,
                clock,
                since,
                self._troubles,
                settings.catch_up,
                settings.delay,
                is_held=self._held_back.is_planned,
            )
            for plan, new in plans
            if plan
        ]

    async def _mute(self, until: datetime) -> None:
        await self._watcher.mute(until)

    async def _had_stack(self) -> bool:
        """Whether one was backed up lately."""
        jobs = await self._app.journal.jobs.jobs(_LATELY)
        return any(job.kind is JobKind.BACKUP and job.state is JobState.DONE for job in jobs)

    async def _is_quiet(self) -> bool:
        """Whether containers are restarted on purpose: by a job, whosever it is, or by people."""
        jobs = await self._app.journal.jobs.open_jobs()
        return await self._held_back.is_planned() or any(
            job.kind in TAKE_SERVER_AWAY and job.state is JobState.RUNNING for job in jobs
        )

    def _alarms(self, since: datetime) -> AlarmRounds:
        app, settings, now = self._app, self._app.settings, self._app.clock.now()
        newest = app.newest()
        watch = AlarmWatch(
            app.journal.jobs.jobs,
            app.clock,
            {JobKind.BACKUP: newest.backup, JobKind.DRILL: newest.drill},
            {
                JobKind.BACKUP: settings.longest_without_backup(now),
                JobKind.DRILL: settings.longest_without_drill(now),
            },
            since,
            settings.catch_up + settings.delay,
            self._chat.alarms if self._chat else LogTeller(),
        )
        return AlarmRounds(watch.look, app.clock, self._held_back.is_planned)

    def _rounds(self, since: datetime) -> list[Rounds]:
        settings = self._app.settings
        plan = settings.plan_of_update_checks
        watch = self._app.updates.watch(self._chat.tell_news if self._chat else _log_news)
        clock = self._app.clock
        if plan is None:
            return []
        name = "look for new versions"
        is_held = self._held_back.is_planned
        return [Rounds(name, plan, watch.look, clock, since, settings.catch_up, is_held)]

    async def _report(self) -> Mapping[str, Any]:
        """What `/healthz` says."""
        journal, troubles = self._app.journal.jobs, [*self._troubles.values()]
        open_jobs, stuck = await self._app.standing.open_jobs(), await journal.stuck_jobs()
        plan = self._app.settings.plan_of_backups
        paused = await self._held_back.words()
        following = plan.next_after(self._app.clock.now()) if plan and not paused else None
        chat = self._chat.state if self._chat else None
        report = DaemonReport(
            running=tuple(describe(job) for job in open_jobs if job.state is JobState.RUNNING),
            uncleaned=tuple(job.id for job in open_jobs if job.state is not JobState.RUNNING),
            stuck=tuple(job.id for job in stuck),
            troubles=tuple(troubles),
            paused=paused,
            next_backup=following.astimezone(plan.zone).isoformat() if plan and following else "",
            **({"chat": chat.condition, "chat_words": chat.words} if chat else {}),
        )
        return {"status": report.status, **asdict(report)}


def _of_schedule(new: type[Command]) -> Callable[[datetime], Command]:
    return lambda slot: new(trigger=Trigger.SCHEDULE, actor="schedule", slot=slot)


async def _all(farewells: Sequence[_Farewell]) -> None:
    """Each takes its time beside the others."""
    await asyncio.gather(*(each() for each in farewells))


async def _log_news(news: News) -> None:
    """Without a chat the log is all that there is."""
    logger.warning("%s", news.words)


def _build_chat(
    app: App, operations: Operations, mute: Callable[[datetime], Awaitable[None]]
) -> "Chat | None":
    """The chat, where there is a token; its library is imported only then."""
    settings = app.settings
    token = settings.telegram_token.get_secret_value()
    if not token:
        return None
    from bot.entrypoints.telegram.chat import Chat  # noqa: PLC0415

    return Chat(
        token=token,
        base_url=f"{settings.telegram_api}/bot",
        access=settings.chat_access,
        operations=operations,
        rolls=app.updates,
        lookout=app.updates.looks(version("akbot")),
        ask_within=timedelta(seconds=settings.gate_ask),
        charts=Charts(
            app.journal.jobs.jobs,
            DockerGauge(app.engine.api, app.clock),
            ChildPainter(),
            settings.zone,
        ),
        inbox=app.journal.inbox(token.partition(":")[0]),  # its number, which is no secret
        outbox=app.journal.outbox,
        questions=app.journal.questions,
        moves=app.journal.moves,
        plans=settings.plans,
        pause=app.pause,
        mute=mute,
        roles={name: role for role, names in settings.service_names().items() for name in names},
        clock=app.clock,
        zone=settings.zone,
    )
