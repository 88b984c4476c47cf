"""The part of the composition root that builds the cure."""

from collections.abc import Awaitable, Callable

from bot.app import App
from bot.services.cure import Cure
from bot.services.watch_ports import CureTeller
from bot.services.watcher import Watcher


def build_cure(
    app: App, watcher: Watcher, teller: CureTeller, is_free: Callable[[], Awaitable[bool]]
) -> Cure:
    """For the containers that *watcher* follows."""
    return Cure(
        watch=lambda: watcher.watch,
        containers=app.containers,
        ward=app.containers,
        log=app.journal.cures,
        teller=teller,
        is_free=is_free,
        lock=app.lock,
        clock=app.clock,
        rules=watcher.rules,
        limit=app.settings.cure,
    )
