"""The commands about what stays: `prune` and `pin`."""

import argparse
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.app import App

Answer = Callable[["App", argparse.Namespace], Awaitable[tuple[Any, Sequence[str]]]]
Add = Callable[[str, Answer, str], argparse.ArgumentParser]


def add_commands(add: Add) -> None:
    """Give the command line these commands; *add* makes a parser for a name, work and help."""
    prune = add("prune", _prune, "delete backups that have outlived their use")
    prune.add_argument("--dry-run", action="store_true", help="only show what would go, and why")
    pin = add("pin", _pin, "keep a backup whatever its age")
    pin.add_argument("id", help="a backup's id, its beginning, or latest")
    pin.add_argument("--remove", action="store_true", help="take its pin away again")


async def _prune(app: "App", args: argparse.Namespace) -> tuple[Any, Sequence[str]]:
    import getpass  # noqa: PLC0415 - "--help" needs none of it

    from bot.domain.jobs import Trigger  # noqa: PLC0415
    from bot.domain.messages import RunPrune  # noqa: PLC0415
    from bot.entrypoints import render_prune  # noqa: PLC0415

    if args.dry_run:
        plan = await app.plan_prune()
        return render_prune.plan_value(plan), render_prune.plan_lines(plan, app.clock.now())
    pruned = await app.prune(RunPrune(trigger=Trigger.CLI, actor=getpass.getuser()))
    return render_prune.pruned_value(pruned), render_prune.pruned_lines(pruned)


async def _pin(app: "App", args: argparse.Namespace) -> tuple[Any, Sequence[str]]:
    from bot.domain.catalogue import choose  # noqa: PLC0415
    from bot.entrypoints import render_prune  # noqa: PLC0415

    chosen = choose(await app.backups(), args.id)
    record = await app.pin(chosen.id, pinned=not args.remove)
    return asdict(record), render_prune.pin_lines(record)
