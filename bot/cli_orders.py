"""Orders from the command line: carried out, and written down for `akbot jobs`."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from bot.app import App
    from bot.domain.orders import OrderKind

Done = TypeVar("Done")


async def carry_out(
    app: "App",
    kind: "OrderKind",
    label: str,
    act: Callable[[], Awaitable[Done]],
    words: Callable[[Done], str],
) -> Done:
    """What *act* returns or raises; *label* and *words* say what it was about, and what came."""
    import getpass  # noqa: PLC0415 - "--help" needs none of it

    from bot.domain.backup_id import (  # noqa: PLC0415
        SUFFIX_ALPHABET,
        SUFFIX_LENGTH,
        make_backup_id,
    )
    from bot.domain.errors import BotError  # noqa: PLC0415
    from bot.domain.jobs import Trigger  # noqa: PLC0415
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
    done = await app.orders.carry_out(order, act, words)
    if isinstance(done, BotError):
        raise done
    return done
