"""What the watch over the surroundings of the containers is built from."""

from collections.abc import Awaitable, Callable

from bot.adapters.answered_file import AnsweredFile
from bot.adapters.images_file import ImagesFile
from bot.adapters.surroundings import DockerSurroundings
from bot.app import App
from bot.entrypoints.surroundings import SurroundingsRounds
from bot.services.pulse import Beat
from bot.services.surroundings import AroundIncidents, SurroundingsWatch


def surroundings_of(
    app: App, incidents: AroundIncidents, is_quiet: Callable[[], Awaitable[bool]], beat: Beat
) -> SurroundingsRounds:
    """The rounds; what was seen last is in their watch's `newest`."""
    settings = app.settings
    watch = SurroundingsWatch(
        app.engine.find_stack,
        DockerSurroundings(app.engine, app.updates.compose, settings.site_checks),
        ImagesFile(app.folder),
        AnsweredFile(app.folder),
        app.journal.jobs.jobs,
        incidents,
        is_quiet,
        app.clock,
        settings.watch_limits,
    )
    return SurroundingsRounds(watch, settings.watch_every, app.clock, beat)
