"""What the daemon asks of jobs and backups that were: how old the newest are, what is kept."""

from bot.app import App
from bot.services.drill_history import DrillHistory
from bot.services.kept import KeptService
from bot.services.newest import Newest


def kept_of(app: App) -> KeptService:
    """What restores and updates have kept for the way back."""
    return KeptService(
        app.journal.jobs,
        app.lock,
        app.clock,
        app.workplace,
        app.updates.kept(),
        app.backups,
        app.settings.kept_for,
    )


def newest_of(app: App) -> Newest:
    """When the newest backup and the newest drill were made that count."""
    history = DrillHistory(app.stores, app.keys.trusted)
    return Newest(app.backups, history, app.journal.jobs, app.whereabouts.name)
