"""The part of the composition root that builds what looks whether all is as it should be."""

from datetime import timedelta

from bot.adapters.daemon_health import DaemonHealth
from bot.adapters.disk import HostDisk
from bot.adapters.kit_file import KitFile
from bot.app import App
from bot.services.check import CheckService
from bot.services.drill_history import DrillHistory


def build_check(app: App) -> CheckService:
    """`akbot check`."""
    settings = app.settings
    return CheckService(
        app.engine,
        app.stores,
        HostDisk(),
        app.clock,
        DaemonHealth(settings.health_listen),
        app.keys.facts,
        KitFile(app.folder),
        timedelta(days=settings.kit_reminder),
        app.folder,
        app.pause,
        app.journal.jobs,
        DrillHistory(app.stores, app.keys.trusted),
        settings.plan_of_drills,
        settings.stack or None,
    )
