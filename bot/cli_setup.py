"""`akbot setup`: what `deploy/setup` runs in the bot's image."""

import argparse
import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bot.domain.errors import ConfigError, RefusedError
from bot.domain.printable import one_line
from bot.entrypoints.signals import end_in_order_on_signals
from bot.entrypoints.streams import complain, say

if TYPE_CHECKING:
    from bot.app_setup import SetupWanted
    from bot.entrypoints.setup_terminal import Terminal
    from bot.services.setup import SetUpDone
    from bot.settings import Settings

HELP = "set akbot up beside a stack that runs; deploy/setup calls it"
_NOWHERE = Path("/nonexistent/akbot.env")
_UNDO, _KEYS = "undo", "keys"


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command and its arguments."""
    parser = commands.add_parser("setup", help=HELP, description=HELP)
    parser.set_defaults(run=run)
    parser.add_argument("--look", action="store_true", help="only tell where the stack is")
    parser.add_argument("--project-dir", type=Path, metavar="FOLDER", help="the stack's folder")
    parser.add_argument("--state-dir", default="", metavar="FOLDER", help="the host's, for keys")
    parser.add_argument("--bot-file", type=Path, metavar="FILE", help="compose.bot.yml")
    parser.add_argument("--bot-env", type=Path, metavar="FILE", help="the .env that it reads")
    parser.add_argument("--image", default="", metavar="NAME", help="the bot's image")
    parser.add_argument("--non-interactive", action="store_true", help="ask nothing")
    parser.add_argument(
        "--kept-key", type=Path, metavar="FILE", help="the private key, kept elsewhere, as proof"
    )
    parser.add_argument("--answer", default="", metavar="CODE", help="what the test message says")
    parser.add_argument("--undo", action="store_true", help="take away what a set-up has made")
    parser.add_argument("--keys", action="store_true", help="with --undo: the private key, too")
    parser.add_argument("--yes", action="store_true", help="with --undo: do not ask")


def run(args: argparse.Namespace) -> int:
    """0 when all is done, 1 where something is left for a person."""
    if args.look:
        return asyncio.run(_look(args))
    wanted = _wanted(args)
    return asyncio.run(_undo(args, wanted) if args.undo else _set_up(args, wanted))


def _wanted(args: argparse.Namespace) -> "SetupWanted":
    from bot.app_setup import SetupWanted  # noqa: PLC0415 - "--help" needs none of it

    if not (args.project_dir and args.state_dir and args.bot_file and args.bot_env):
        raise ConfigError(
            "setup: it is not told where the stack is", hint="Run deploy/setup, which calls this."
        )
    return SetupWanted(args.project_dir, args.state_dir, args.bot_file, args.bot_env, args.image)


async def _look(args: argparse.Namespace) -> int:
    """In lines, for a shell."""
    from bot.adapters.setup_ground import find_ground  # noqa: PLC0415 - likewise
    from bot.app import open_app  # noqa: PLC0415 - likewise

    async with open_app(_load({}, args.env_file or _NOWHERE)) as app:
        ground = await find_ground(app.engine.api, await app.engine.find_stack())
    found = {"folder": ground.folder, "network": ground.network, "state": ground.state}
    say("\n".join(f"{name}={one_line(value)}" for name, value in found.items()))
    return 0


def _load(given: Mapping[str, str], env_file: Path) -> "Settings":
    """The settings as the bot will have them. Raises ConfigError."""
    from bot.entrypoints.logs import mask_warnings  # noqa: PLC0415 - likewise
    from bot.settings_source import environment_with, load_settings  # noqa: PLC0415 - likewise

    settings = load_settings(environment_with(given), env_file).settings
    mask_warnings(settings.secrets())
    return settings


async def _set_up(args: argparse.Namespace, wanted: "SetupWanted") -> int:
    from bot.app import open_app  # noqa: PLC0415 - likewise
    from bot.app_setup import open_setup, require_admins, require_ready  # noqa: PLC0415 - likewise
    from bot.domain.pause import judge_pause  # noqa: PLC0415 - likewise
    from bot.entrypoints.setup_terminal import KeptKey, Terminal  # noqa: PLC0415 - likewise
    from bot.entrypoints.terminal import Progress  # noqa: PLC0415 - likewise
    from bot.settings_source import given_settings  # noqa: PLC0415 - likewise

    end_in_order_on_signals()
    given = given_settings(None, args.env_file)
    terminal = None if args.non_interactive else Terminal()
    if terminal:
        given |= await _asked(terminal, given, wanted)
    settings = _load(given, wanted.settings_file)
    await require_admins(settings)
    proof = KeptKey(args.answer, args.kept_key, terminal)
    progress = Progress(sys.stderr)
    shown = [lambda _, event: progress(event)]
    async with open_app(settings, shown, patient=False, tell=_tell) as app:
        service = await open_setup(app, wanted, given, proof, _tell)
        await require_ready(app.stores)
        done = await service.run()
        for each in judge_pause(await app.pause.read(), app.clock.now()):
            _tell(f"{each.message}. {each.remedy}")
        return _ended(done)


async def _asked(
    terminal: "Terminal", given: Mapping[str, str], wanted: "SetupWanted"
) -> dict[str, str]:
    from bot.adapters.keyfiles import IDENTITY  # noqa: PLC0415 - likewise
    from bot.app_setup import telegram, try_store  # noqa: PLC0415 - likewise
    from bot.services.setup_interview import Interview  # noqa: PLC0415 - likewise
    from bot.settings_source import values_in  # noqa: PLC0415 - likewise

    def load(answers: Mapping[str, str]) -> "Settings":
        return _load({**given, **answers}, wanted.settings_file)

    def check(answers: Mapping[str, str]) -> None:
        load(answers)

    known = {**values_in(wanted.settings_file), **given}
    known |= {name.removesuffix("_FILE"): value for name, value in known.items()}
    interview = Interview(
        terminal,
        check,
        lambda answers: try_store(load(answers)),
        lambda answers: telegram(load(answers)),
    )
    return await interview.run(
        known,
        is_first=not wanted.settings_file.exists(),
        has_keys=(load({}).state_folder / IDENTITY).exists(),
    )


def _ended(done: "SetUpDone") -> int:
    if done.left:
        complain(
            "akbot: it is set up but for one thing: nobody has shown that the private key is kept"
            " away from this machine. Open the test message above with it (age -d -i FILE), and"
            " run this again with --answer CODE."
        )
        return 1
    say("akbot is set up." if done.done else "akbot was set up already: nothing is changed.")
    return 0


async def _undo(args: argparse.Namespace, wanted: "SetupWanted") -> int:
    from bot.app import open_app  # noqa: PLC0415 - likewise
    from bot.app_setup import open_undo  # noqa: PLC0415 - likewise
    from bot.entrypoints.setup_terminal import KeptKey, Terminal  # noqa: PLC0415 - likewise

    end_in_order_on_signals()
    keys = args.keys
    if not args.yes:
        terminal = Terminal()
        terminal.tell(
            "This removes the bot, and what the set-up has written: akbot.env, or what was added to"
            " it, and the .env of the bot's compose file. Backups and keys stay."
        )
        if await terminal.ask(f'Type "{_UNDO}" to go on: ') != _UNDO:
            raise RefusedError("not confirmed", hint="Nothing was changed.")
        terminal.tell("Without the private key nobody opens the backups. Is it kept elsewhere?")
        typed = await terminal.ask(f'Type "{_KEYS}" to delete it here, or Enter to leave it: ')
        keys = keys or typed == _KEYS
    async with open_app(_load({}, wanted.settings_file), tell=_tell) as app:
        service = await open_undo(app, wanted, KeptKey(), _tell)
        told = await service.undo(with_keys=keys)
    say("\n".join(map(one_line, told)) or "There is nothing of a set-up: nothing is changed.")
    return 0


def _tell(line: str) -> None:
    complain(one_line(line))
