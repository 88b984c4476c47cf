"""The daemon, built and tied together: `akbot run`."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial

from bot.adapters.allocator import keep_giving_back
from bot.adapters.health_address import address_told
from bot.adapters.heartbeat import HttpHeartbeat
from bot.adapters.mute_file import MuteFile
from bot.adapters.watched_file import WatchedFile
from bot.app import App, open_app
from bot.app_cure import build_cure
from bot.app_dispatch import dispatch
from bot.app_history import kept_of, newest_of
from bot.app_watch import surroundings_of
from bot.domain.alarms import Hindrance
from bot.domain.container_state import watch_rules
from bot.domain.downtime import restarts_things
from bot.domain.findings import Finding
from bot.domain.jobs import TAKE_SERVER_AWAY, JobKind, JobState
from bot.domain.surroundings_subjects import with_surroundings
from bot.entrypoints.alarms import AlarmRounds
from bot.entrypoints.catch_up import CatchUp
from bot.entrypoints.curing import CureRounds
from bot.entrypoints.daemon import Daemon
from bot.entrypoints.health import health_server
from bot.entrypoints.heartbeat import Heartbeat
from bot.entrypoints.held_back import HeldBack
from bot.entrypoints.logs import LogForm, start_log
from bot.entrypoints.render import warning_words
from bot.entrypoints.watcher import WatchRounds
from bot.service_chat import build_chat
from bot.service_pages import Parts, limits, pages_of
from bot.service_timetable import SLOW, Timetable
from bot.services.alarms import AlarmWatch, LogTeller
from bot.services.incident_log import LoggedIncidents
from bot.services.ports import Clock
from bot.services.pulse import Pulse
from bot.services.runner import JobRunner
from bot.services.watched_names import WatchedNames
from bot.services.watcher import Watcher
from bot.settings import Settings

_LATELY = 200  # jobs
_QUICK = 600.0  # seconds that a round may take which waits for nobody outside
_SETTLING = 6 * 3600.0  # likewise; what an update changed in a large database takes long to undo
_Farewell = Callable[[], Awaitable[None]]

logger = logging.getLogger(__name__)


async def serve(
    settings: Settings, clock: Clock | None = None, warnings: Sequence[Finding] = ()
) -> None:
    """`akbot run`: work until SIGTERM or SIGINT, then end in order; by another clock than usual.

    *warnings* about the settings go to the log.
    """
    start_log(settings.secrets(), LogForm(settings.log_format))
    for each in warnings:
        logger.warning("%s", warning_words(each))
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_app(settings, clock=clock) as app:
        await _Service(app).run(stop)


class _Service:
    """The daemon's parts, built and tied together."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._runner = JobRunner(
            app.journal.jobs,
            app.clock,
            partial(dispatch, app),
            app.backups,
            app.whereabouts.find,
            app.upkeep.pin,
            app.proofs.read_back,
            app.restores.preview,
            app.standing,
            copies=app.stores.several,
            prunes=not all(place.policy.keeps_everything for place in app.stores.places),
        )
        self._chat = build_chat(
            app,
            self._runner,
            self._mute,
            lambda: self._watcher.muted_until,
        )
        self._troubles: dict[str, str] = {}
        self._hindrances: dict[JobKind, Hindrance] = {}
        self._pulse = Pulse(app.clock)
        self._held_back = HeldBack(app.pause, app.clock)
        names = app.settings.service_names()
        self._incidents = self._chat.incidents if self._chat else LoggedIncidents()
        self._watcher = Watcher(
            app.containers,
            app.journal.incidents,
            self._incidents,
            self._is_quiet,
            app.clock,
            with_surroundings(watch_rules(names), names),
            MuteFile(app.folder),
            self._had_stack,
            WatchedNames(WatchedFile(app.folder)),
        )
        # between two looks passes what people have set, which may be more than a look may take
        within = _QUICK + app.settings.watch_every
        beat = self._pulse.of("the look around the containers", within)
        self._around = surroundings_of(app, self._watcher, self._is_quiet, beat)
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
        timetable = self._timetable(since)
        parts += [each.run for each in timetable.schedulers()]
        parts += [each.run for each in timetable.rounds()]
        parts += [self._watch_rounds().run, partial(keep_giving_back, app.clock)]
        if settings.cure:
            cure = build_cure(app, self._watcher, self._incidents, self._is_free)
            beat = self._pulse.of("the look after unhealthy containers", SLOW)
            parts.append(CureRounds(cure, app.clock, beat).run)
        farewells: list[_Farewell] = [self._chat.farewell] if self._chat else []
        heartbeat = self._heartbeat()
        if heartbeat:
            app.listeners.append(heartbeat.listener)
            parts.append(heartbeat.run)
            farewells.append(heartbeat.farewell)
        watch = self._alarm_watch(since)
        alarms = AlarmRounds(
            watch.look,
            app.clock,
            self._held_back.is_planned,
            self._pulse.of("the look after backups and drills", SLOW),
        )
        app.listeners.append(alarms.listener)
        parts.append(alarms.run)
        if app.stores.several:
            parts.append(self._catch_up().run)
        daemon = Daemon(
            runner=self._runner,
            journal=app.journal.jobs,
            recover=app.jobs.recover,
            probe=self._probe,
            sweep=kept_of(app).sweep,
            clock=app.clock,
            parts=[self._held_back.part(each) for each in parts],
            farewell=self._held_back.farewell(partial(_all, farewells)),
            troubles=self._troubles,
            beat=self._pulse.of("the look at the state folder", _QUICK),
            beat_of_settling=self._pulse.of("the settling of earlier jobs", _SETTLING),
        )
        told = Parts(
            pulse=self._pulse,
            troubles=self._troubles,
            paused=self._held_back.words,
            chat=lambda: self._chat.state if self._chat else None,
            watcher=self._watcher,
            surroundings=self._around.watch,
            alarms=watch,
            heartbeat=heartbeat,
            since=since,
        )
        async with (
            app.folder.hold_for_daemon(),
            pages_of(app, told) as pages,
            health_server(settings.health_listen, pages) as port,
            address_told(settings.health_listen, port),
        ):
            names = (place.store.name for place in app.stores.places)
            logger.info("akbot runs; backups go to %s", ", ".join(names))
            await daemon.run(stop)

    def _timetable(self, since: datetime) -> Timetable:
        return Timetable(
            app=self._app,
            runner=self._runner,
            chat=self._chat,
            held_back=self._held_back,
            pulse=self._pulse,
            troubles=self._troubles,
            hindrances=self._hindrances,
            since=since,
        )

    def _watch_rounds(self) -> WatchRounds:
        return WatchRounds(
            self._watcher,
            self._app.containers,
            self._app.clock,
            (self._around.run,),
            self._pulse.of("the look at the containers", _QUICK),
            self._pulse.of("the clock of the incidents", _QUICK),
        )

    def _catch_up(self) -> CatchUp:
        held = self._held_back.is_planned
        return CatchUp(self._runner.catch_up, self._app.clock, self._troubles, held)

    def _heartbeat(self) -> Heartbeat | None:
        app, urls = self._app, self._app.settings.heartbeats
        if not urls:
            return None
        return Heartbeat(
            frozenset(urls),
            app.journal.jobs.jobs,
            HttpHeartbeat(urls).send,
            app.clock,
            app.settings.catch_up + app.settings.delay,
        )

    async def _probe(self) -> None:
        """Write into the state folder, and to the journal in it."""
        await self._app.folder.probe()
        await self._app.journal.probe()

    async def _mute(self, until: datetime) -> None:
        await self._watcher.mute(until)

    async def _had_stack(self) -> bool:
        """Whether one was backed up lately."""
        jobs = await self._app.journal.jobs.jobs(_LATELY)
        return any(job.kind is JobKind.BACKUP and job.state is JobState.DONE for job in jobs)

    async def _is_quiet(self) -> bool:
        """Whether containers are restarted on purpose: by a job, whosever it is, or by people."""
        jobs = await self._app.journal.jobs.open_jobs()
        return await self._held_back.is_planned() or any(map(restarts_things, jobs))

    async def _is_free(self) -> bool:
        """Whether no job works on the stack, nor will to mend it, and nobody has paused akbot."""
        journal = self._app.journal.jobs
        jobs = [*await journal.open_jobs(), *await journal.stuck_jobs()]
        return not await self._held_back.words() and not any(
            job.state is JobState.RUNNING or job.kind in TAKE_SERVER_AWAY for job in jobs
        )

    def _alarm_watch(self, since: datetime) -> AlarmWatch:
        app, settings = self._app, self._app.settings
        newest = newest_of(app)
        return AlarmWatch(
            app.journal.jobs.jobs,
            app.clock,
            {JobKind.BACKUP: newest.backup, JobKind.DRILL: newest.drill},
            limits(settings, app.clock.now()),
            since,
            settings.catch_up + settings.delay,
            self._chat.alarms if self._chat else LogTeller(),
            self._hindrances,
        )


async def _all(farewells: Sequence[_Farewell]) -> None:
    """Each takes its time beside the others."""
    await asyncio.gather(*(each() for each in farewells))
