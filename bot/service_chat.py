"""The chat of the daemon, built from what the application has."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from bot.app import App
from bot.app_reports import build_charts, build_reports
from bot.services.operations import Operations

if TYPE_CHECKING:
    from bot.entrypoints.telegram.chat import Chat


def build_chat(
    app: App,
    operations: Operations,
    mute: Callable[[datetime], Awaitable[None]],
    muted_until: Callable[[], datetime | None],
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
        charts=build_charts(app),
        reporter=build_reports(app),
        inbox=app.journal.inbox(token.partition(":")[0]),  # its number, which is no secret
        outbox=app.journal.outbox,
        questions=app.journal.questions,
        moves=app.journal.moves,
        plans=settings.plans,
        pause=app.pause,
        mute=mute,
        muted_until=muted_until,
        orders=app.orders,
        open_incidents=app.journal.incidents.open_ones,
        cures=app.journal.cures,
        restarts=settings.cure,
        roles={name: role for role, names in settings.service_names().items() for name in names},
        clock=app.clock,
        zone=settings.zone,
    )
