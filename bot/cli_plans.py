"""The commands about time: what was, what begins by itself, and whether it may."""

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.app import App


async def report(app: "App", args: argparse.Namespace) -> tuple[Any, Sequence[str]]:
    """`akbot report`."""
    from bot.app_reports import build_reports  # noqa: PLC0415 - "--help" needs none of it
    from bot.domain.errors import ConfigError  # noqa: PLC0415
    from bot.domain.report import LONGEST_DAYS  # noqa: PLC0415
    from bot.entrypoints.render_report import report_lines  # noqa: PLC0415

    if not 1 <= args.days <= LONGEST_DAYS:
        raise ConfigError(
            f"report: {args.days} days are not from 1 to {LONGEST_DAYS}",
            hint="Of what was before nothing is known any more.",
        )
    made = (await build_reports(app).run(timedelta(days=args.days))).report
    if args.picture:
        await _draw(app, args.picture)
    return asdict(made), report_lines(made, app.settings.zone)


async def _draw(app: "App", path: str) -> None:
    """Raises PortError where the picture cannot be drawn or written; there is no half of one."""
    from bot.app_reports import build_charts  # noqa: PLC0415 - "--help" needs none of it
    from bot.entrypoints.files import io_errors, open_output  # noqa: PLC0415

    charts = build_charts(app)
    stack, catalogue = await app.whereabouts.find(), await app.catalogue()
    picture = await charts.painter.draw(await charts.figures(stack, catalogue.records))

    def write() -> None:
        with io_errors(f'write "{path}"'), open_output(path, 0o644) as file:
            file.write(picture)

    await asyncio.to_thread(write)


async def schedule(app: "App", args: argparse.Namespace) -> tuple[Any, Sequence[str]]:  # noqa: ARG001
    """`akbot schedule`."""
    from bot.domain.agenda import coming  # noqa: PLC0415 - "--help" needs none of it
    from bot.entrypoints.render_plans import coming_lines  # noqa: PLC0415

    now = app.clock.now()
    found = await app.pause.read()
    pause = found if found and found.holds(now) else None
    planned = coming(app.settings.plans, now)
    value = {
        "paused": asdict(pause) if pause else None,
        "plans": [vars(each) for each in planned],  # asdict would copy zones, which some refuse
    }
    return value, coming_lines(planned, pause, now, app.settings.zone)


async def pause(app: "App", args: argparse.Namespace) -> tuple[Any, Sequence[str]]:
    """`akbot pause`."""
    import getpass  # noqa: PLC0415 - "--help" needs none of it

    from bot.cli_orders import carry_out  # noqa: PLC0415
    from bot.domain.orders import OrderKind  # noqa: PLC0415
    from bot.domain.pause import (  # noqa: PLC0415
        Pause,
        parse_length,
        paused,
        plan_pause,
    )

    length = parse_length(args.length)

    async def pause() -> Pause:
        found = await app.pause.read()
        planned = plan_pause(found, app.clock.now(), length, getpass.getuser())
        await app.pause.write(planned)
        return planned

    planned = await carry_out(app, OrderKind.PAUSE, args.length, pause, paused)
    words = planned.words_in(app.settings.zone)
    return asdict(planned), [f"{words[0].upper()}{words[1:]}.", planned.remedy]


async def resume(app: "App", args: argparse.Namespace) -> tuple[Any, Sequence[str]]:  # noqa: ARG001
    """`akbot resume`."""
    from bot.cli_orders import carry_out  # noqa: PLC0415
    from bot.domain.errors import ConfigError  # noqa: PLC0415
    from bot.domain.orders import OrderKind  # noqa: PLC0415
    from bot.domain.pause import resumed  # noqa: PLC0415

    async def resume() -> bool:
        try:
            found = await app.pause.read()
        except ConfigError:  # damaged, which this is the remedy for
            was_paused = True
        else:
            was_paused = found is not None
        await app.pause.clear()
        return was_paused

    was_paused = await carry_out(app, OrderKind.RESUME, "", resume, resumed)
    words = "Schedules and chat go on." if was_paused else "Nothing was paused."
    return {"was_paused": was_paused}, [words]
