"""`akbot update` and `akbot rollback`: a value for JSON, and the lines that say the same."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bot.entrypoints.update_arguments import wanted_tag

if TYPE_CHECKING:
    from bot.app import App


async def look(app: "App", args: argparse.Namespace) -> tuple[Any, Sequence[str]]:
    """`akbot update --check` and `--why`."""
    from bot.entrypoints import render_update  # noqa: PLC0415 - "--help" needs none of it

    outlook = await app.updates.check.run(wanted_tag(args))
    lines = render_update.why_lines if args.why else render_update.check_lines
    return render_update.outlook_value(outlook), lines(outlook)


async def update(app: "App", args: argparse.Namespace) -> tuple[Any, Sequence[str]]:
    """`akbot update`."""
    import getpass  # noqa: PLC0415

    from bot.domain.jobs import Trigger  # noqa: PLC0415
    from bot.domain.messages import RunUpdate  # noqa: PLC0415
    from bot.entrypoints import render_roll, render_update  # noqa: PLC0415
    from bot.entrypoints.confirmation import Confirmation, StayQuestion  # noqa: PLC0415
    from bot.services.outage import before_anything, before_the_way  # noqa: PLC0415

    tag = wanted_tag(args)
    await app.jobs.recover()  # one that was cut off may have left no server to ask
    with before_anything(), before_the_way():
        outlook = await app.updates.check.run(tag)
    if outlook.up_to_date:
        return render_update.outlook_value(outlook), render_update.check_lines(outlook)
    command = RunUpdate(
        trigger=Trigger.CLI,
        actor=getpass.getuser(),
        tag=tag,
        rehearse=not args.no_rehearsal,
        apply_compose=args.apply_compose,
    )
    if args.dry_run:
        preview = await app.updates.preview(command)
        return render_roll.preview_value(preview), render_roll.preview_lines(preview)
    ask = StayQuestion(app.clock)
    done = await app.update(command, Confirmation(agreed=args.yes).update, ask)
    return asdict(done), render_roll.updated_lines(done)


async def rollback(app: "App", args: argparse.Namespace) -> tuple[Any, Sequence[str]]:
    """`akbot rollback`."""
    import getpass  # noqa: PLC0415

    from bot.domain.jobs import Trigger  # noqa: PLC0415
    from bot.domain.messages import RunRollback  # noqa: PLC0415
    from bot.entrypoints import render_roll  # noqa: PLC0415
    from bot.entrypoints.confirmation import Confirmation  # noqa: PLC0415

    command = RunRollback(
        trigger=Trigger.CLI, actor=getpass.getuser(), safety_backup=not args.no_safety_backup
    )
    if args.dry_run:
        preview = await app.updates.rollback_preview(command)
        return asdict(preview), render_roll.rollback_lines(preview, app.settings.zone)
    confirmation = Confirmation(agreed=args.yes, zone=app.settings.zone)
    done = await app.rollback(command, confirmation.rollback)
    return asdict(done), render_roll.rolled_back_lines(done)
