"""What the daemon answers over HTTP, built from its parts."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.metadata import version

from bot.adapters.disk import HostDisk
from bot.app import App
from bot.app_stores import require_answer
from bot.domain.alarms import Limit
from bot.domain.daemon_report import DOCKER
from bot.domain.jobs import JobKind
from bot.entrypoints.health import Page
from bot.entrypoints.heartbeat import Heartbeat
from bot.entrypoints.pages import health_page, metrics_page, ready_page
from bot.services.alarms import AlarmWatch
from bot.services.metrics import MetricsService, Sources
from bot.services.own_health import ChatCondition, OwnHealth
from bot.services.pulse import Pulse
from bot.services.readiness import Readiness, System
from bot.services.surroundings import SurroundingsWatch
from bot.services.watcher import Watcher
from bot.settings import Settings

_LOCAL_GOOD_FOR, _REMOTE_GOOD_FOR = 30.0, 300.0  # seconds for which a store's answer counts


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What of the daemon knows something that is worth telling."""

    pulse: Pulse
    troubles: Mapping[str, str]
    paused: Callable[[], Awaitable[str]]
    chat: Callable[[], ChatCondition | None]
    watcher: Watcher
    surroundings: SurroundingsWatch
    alarms: AlarmWatch
    heartbeat: Heartbeat | None
    since: datetime


@asynccontextmanager
async def pages_of(app: App, parts: Parts) -> AsyncGenerator[dict[str, Page]]:
    """The pages by their paths, while the context lives."""
    health = OwnHealth(
        app.standing,
        app.journal.jobs,
        parts.pulse,
        parts.troubles,
        parts.paused,
        app.settings.plan_of_backups,
        parts.chat,
        app.clock,
    )
    systems = Readiness(_systems(app), app.clock)
    metrics = MetricsService(
        sources=_sources(app, parts, health, systems),
        clock=app.clock,
        version=version("akbot"),
        since=parts.since,
        plans=app.settings.plans,
        limits=limits(app.settings, app.clock.now()),
        switches=tuple(app.settings.heartbeats),
    )
    try:
        yield {
            "/healthz": health_page(health.report, systems.look),
            "/readyz": ready_page(health.report, systems.look),
            "/metrics": metrics_page(metrics.families),
        }
    finally:
        for each in (metrics, systems, health):
            await each.close()


def _systems(app: App) -> dict[str, System]:
    """What every job needs, and how to ask it for next to nothing."""
    named = bool(app.settings.store)
    stores = {
        place.name: System(
            partial(require_answer, place.store, named=named),
            _LOCAL_GOOD_FOR if place.store.local_path else _REMOTE_GOOD_FOR,
        )
        for place in app.stores.places
    }
    return {DOCKER: System(app.engine.api.ping), **stores}


def _sources(app: App, parts: Parts, health: OwnHealth, systems: Readiness) -> Sources:
    folders = {place.name: place.store.local_path for place in app.stores.places}
    return Sources(
        report=health.report,
        systems=systems.look,
        jobs=app.standing.jobs,
        incidents=app.journal.incidents.open_ones,
        disk=HostDisk(),
        disks={
            "state": str(app.settings.state_folder),
            **{f"store {name}": path for name, path in folders.items() if path},
        },
        stack=lambda: parts.watcher.finds_stack,
        containers=lambda: parts.watcher.states,
        catalogue=lambda: app.seen,
        good=lambda: parts.alarms.good,
        surroundings=lambda: parts.surroundings.newest,
        looked=lambda: parts.alarms.looked,
        beats=lambda: parts.heartbeat.told if parts.heartbeat else {},
    )


def limits(settings: Settings, now: datetime) -> dict[JobKind, Limit | None]:
    """How old the newest may get before there is an alarm; None for any age."""
    return {
        JobKind.BACKUP: settings.longest_without_backup(now),
        JobKind.DRILL: settings.longest_without_drill(now),
    }
