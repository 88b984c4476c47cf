"""What a command works with: the settings, the application built from them, an event loop."""

import argparse
import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli_backup import backup
from bot.cli_verify import verify
from bot.domain.printable import one_line
from bot.entrypoints.signals import end_in_order_on_signals
from bot.entrypoints.streams import complain

if TYPE_CHECKING:
    from bot.app import App
    from bot.domain.findings import Finding
    from bot.settings import Settings

Run = Callable[["App", argparse.Namespace], Awaitable[int]]


def with_app(run: Run, args: argparse.Namespace) -> int:
    """Read the settings, build the application, run the command in an event loop."""
    settings, args.warnings = told_settings(args)
    return run_in_loop(run, settings, args)


def told_settings(args: argparse.Namespace) -> "tuple[Settings, list[Finding]]":
    """The settings, and what is doubtful about them or exposed, which was said on stderr."""
    from bot.entrypoints.render import warning_line  # noqa: PLC0415 - "--help" needs none of it

    settings, warnings = read_settings(args)
    complain(*map(warning_line, warnings))
    return settings, warnings


def read_settings(args: argparse.Namespace) -> "tuple[Settings, list[Finding]]":
    """The same, and nothing was said yet."""
    with _loading():
        from bot.adapters.keyfiles import exposed_keys  # noqa: PLC0415 - "--help" needs none of it
        from bot.entrypoints.logs import mask_warnings  # noqa: PLC0415 - likewise
        from bot.settings_source import ENV_FILE, load_settings  # noqa: PLC0415 - likewise

    env_file = args.env_file or Path(ENV_FILE)
    loaded = load_settings(env_file=env_file, must_exist=bool(args.env_file))
    settings = loaded.settings
    mask_warnings(settings.secrets())
    exposed = exposed_keys(settings.state_folder, settings.identity_file)
    return settings, [*loaded.warnings, *exposed]


def run_in_loop(run: Run, settings: "Settings", args: argparse.Namespace) -> int:
    """Run the command with the application that is built from *settings*; its exit code."""
    return asyncio.run(_run(run, settings, args))


async def _run(run: Run, settings: "Settings", args: argparse.Namespace) -> int:
    with _loading():
        from bot.app import open_app  # noqa: PLC0415 - likewise
        from bot.entrypoints.terminal import Progress  # noqa: PLC0415

    progress = Progress(sys.stderr)
    end_in_order_on_signals()
    listeners = [lambda _, event: progress(event)]
    patient = run in {backup, verify}
    async with open_app(settings, listeners, patient=patient, tell=_tell) as app:
        return await run(app, args)


def _tell(line: str) -> None:
    complain(one_line(f"akbot: {line}"))


@contextmanager
def _loading() -> Iterator[None]:
    """Import without the garbage collector, which would look at all that is new over and over."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
