"""Orders from the command line: carried out, and written down for `akbot jobs`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from bot.app import App
    from bot.domain.orders import OrderKind

Done = TypeVar("Done")


async def carry_out(  # noqa: PLR0913, PLR0917 - what an order is
    app: "App",
    kind: "OrderKind",
    label: str,
    act: Callable[[], Awaitable[Done]],
    words: Callable[[Done], str],
    has_failed: Callable[[Done], bool] = lambda _: False,
) -> Done:
    """What *act* returns or raises; *label* and *words* say what it was about, and what came."""
    import getpass  # noqa: PLC0415 - "--help" needs none of it

    from bot.domain.backup_id import (  # noqa: PLC0415
        SUFFIX_ALPHABET,
        SUFFIX_LENGTH,
        make_backup_id,
    )
    from bot.domain.errors import BotError  # noqa: PLC0415
    from bot.domain.jobs import JobState, Trigger  # noqa: PLC0415
    from bot.domain.orders import Order  # noqa: PLC0415
    from bot.domain.printable import one_line  # noqa: PLC0415

    now = app.clock.now()
    order = Order(
        id=make_backup_id(now, app.clock.random_text(SUFFIX_ALPHABET, SUFFIX_LENGTH)),
        kind=kind,
        trigger=Trigger.CLI,
        actor=getpass.getuser(),
        started=now,
        label=one_line(label),
    )
    try:
        done = await app.orders.carry_out(order, act, words, has_failed)
    except asyncio.CancelledError:
        await app.orders.end(order, JobState.INTERRUPTED, "the command was stopped in it")
        raise
    if isinstance(done, BotError):
        raise done
    return done
