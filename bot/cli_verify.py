"""`akbot verify`: backups read back, each in every store that has it."""

import argparse
import json
import sys
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from bot.cli_codes import DONE, exit_code, worst_code
from bot.domain.errors import BotError
from bot.entrypoints.streams import say

if TYPE_CHECKING:
    from bot.app import App


async def verify(app: "App", args: argparse.Namespace) -> int:
    """Read one backup back, or all; the worst of their exit codes."""
    from bot.cli_orders import carry_out  # noqa: PLC0415 - "--help" needs none of it
    from bot.domain.orders import OrderKind  # noqa: PLC0415
    from bot.entrypoints.render import verify_words  # noqa: PLC0415

    code, _ = await carry_out(
        app,
        OrderKind.VERIFY,
        f"{args.id} --deep" if args.deep else args.id,
        partial(_read_back, app, args),
        lambda read: verify_words(read[1]),
        lambda read: read[0] != DONE,
    )
    return code


async def _read_back(app: "App", args: argparse.Namespace) -> tuple[int, list[dict[str, Any]]]:
    from bot.domain.catalogue import choose  # noqa: PLC0415
    from bot.entrypoints import render  # noqa: PLC0415
    from bot.entrypoints.terminal import Progress  # noqa: PLC0415

    records = await app.backups()
    chosen = records if args.id == "all" else [choose(records, args.id)]
    runs = [
        (record, name, service)
        for record in chosen
        for name, service in app.proofs.verify(Progress(sys.stderr), record).items()
    ]
    outcomes: list[dict[str, Any]] = []
    code = DONE
    for record, name, service in runs:
        where = {"store": name} if app.stores.several else {}
        try:
            result = await service.run(record, deep=args.deep)
        except BotError as error:
            if len(runs) == 1 and not args.json:
                raise
            code = worst_code(code, exit_code(error))
            outcomes.append({"id": record.id, **where, "ok": False, "reason": str(error)})
        else:
            outcomes.append({"id": record.id, **where, "ok": True, **asdict(result)})
    if args.json:
        say(json.dumps(outcomes, indent=1, default=str))
    else:
        say("\n".join(render.verify_lines(outcomes)))
    return code, outcomes
