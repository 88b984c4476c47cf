"""`akbot backup`, whose work goes on after its answer where there are several stores."""

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from bot.domain.errors import BotError, ConfigError
from bot.domain.printable import one_line
from bot.entrypoints.streams import complain, say

if TYPE_CHECKING:
    from bot.app import App

_LONGEST_LABEL = 100


async def backup(app: "App", args: argparse.Namespace) -> int:
    """`akbot backup`: done with the backup, whatever becomes of its copies."""
    import getpass  # noqa: PLC0415

    from bot.domain.jobs import Trigger  # noqa: PLC0415
    from bot.domain.messages import RunBackup  # noqa: PLC0415
    from bot.entrypoints.render import backup_warnings  # noqa: PLC0415

    if not args.label.isprintable() or len(args.label) > _LONGEST_LABEL:
        raise ConfigError(
            "--label: it is longer than a line, or holds what cannot be printed",
            hint=f"Give up to {_LONGEST_LABEL} letters, digits and signs.",
        )
    command = RunBackup(
        trigger=Trigger.CLI,
        actor=getpass.getuser(),
        label=args.label,
        pin=args.pin,
        components=frozenset(args.component),
    )
    done = await app.backup(command)
    if args.json:
        places = {"stores": done.stores, "degraded": dict(done.missing)}
        say(json.dumps({**asdict(done.manifest), **places}, indent=1, default=str))
    else:
        complain(*backup_warnings(done.manifest, done.missing))
        say(done.manifest.id)  # alone on stdout, for scripts
    if app.stores.several and not done.missing:
        await _catch_up(app)
    return 0


async def _catch_up(app: "App") -> None:
    """Bring other stores what they lack; the backup is made, so that it fails on nothing here."""
    from bot.domain.jobs import Trigger  # noqa: PLC0415
    from bot.domain.messages import RunCopy  # noqa: PLC0415

    try:
        await app.upkeep.copy(RunCopy(trigger=Trigger.CLI, actor="backup"))
    except BotError as error:
        complain(one_line(f"akbot: warning: {error.in_full()}"))
