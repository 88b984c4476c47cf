"""argv to command to exit code."""

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot import cli_answers, cli_backup, cli_notify, cli_plans, cli_roll, cli_setup, cli_verify
from bot.cli_app import Run, read_settings, run_in_loop, told_settings, with_app
from bot.cli_codes import DONE, FAILED, INTERRUPTED, REFUSED, exit_code
from bot.domain.errors import BotError, UpdateFailedError
from bot.domain.printable import one_line
from bot.entrypoints import (
    crypt,
    delete_arguments,
    kit_arguments,
    restore_arguments,
    update_arguments,
)
from bot.entrypoints.streams import READER_GONE, ReaderGoneError, complain, say, written_out

if TYPE_CHECKING:
    from bot.app import App
    from bot.domain.findings import Finding


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (design section 9).

    0 done, 1 failed, 2 usage, 3 refused, 4 update failed and was rolled back, 5 rollback failed.
    """
    try:
        with written_out():  # --help
            args = make_parser().parse_args(arguments)
        code: int = args.run(args)
    except ReaderGoneError:
        return READER_GONE
    except BotError as error:
        complain(*_words(error))
        return exit_code(error)
    except (KeyboardInterrupt, asyncio.CancelledError):
        complain("akbot: interrupted")
        return INTERRUPTED
    return code


def _words(error: BotError) -> list[str]:
    """One line: what is wrong, and what to do; notes about what is left stand below."""
    notes: list[str] = getattr(error, "__notes__", [])
    proof = error.proof if isinstance(error, UpdateFailedError) else ()
    shown = (f"  {one_line(line)}" for line in proof)
    return [one_line(f"akbot: {error.in_full()}"), *map(one_line, notes), *shown]


def _show(args: argparse.Namespace, value: Any, lines: Sequence[str]) -> None:
    """As JSON where that was asked for, else as text."""
    if args.json:
        say(json.dumps(value, indent=1, default=str))
    else:
        say("\n".join(lines))


def make_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="akbot",
        description="Encrypted, proven backups of an Authentik stack, and the bot that makes them.",
    )
    parser.add_argument("--env-file", type=Path, help="settings file instead of ./akbot.env")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    backup = _add(commands, "backup", cli_backup.backup, "back the stack up")
    backup.add_argument("--label", default="", help="a few words to find it by")
    backup.add_argument("--pin", action="store_true", help="keep it whatever its age")
    backup.add_argument(
        "--component",
        action="append",
        default=[],
        metavar="NAME",
        help="only this component; may be given several times",
    )
    backups = _add(
        commands, "backups", _shown(cli_answers.backups), "list the backups, or show one"
    )
    backups.add_argument("id", nargs="?", help="a backup's id, its beginning, or latest")
    verify = _add(commands, "verify", cli_verify.verify, "read a stored backup back")
    verify.add_argument("id", nargs="?", default="latest", help="an id, latest (default) or all")
    verify.add_argument("--deep", action="store_true", help="also read the dump with pg_restore")
    _add(commands, "copy", _shown(cli_answers.copy), "copy to each store what it lacks")
    drill = _add(commands, "drill", _shown(cli_answers.drill), "prove a backup by restoring it")
    drill.add_argument("id", nargs="?", default="latest", help="an id, its beginning, or latest")
    drill.add_argument(
        "--boot", action="store_true", help="also start its Authentik on the restored copy"
    )
    restore_help = "let a backup serve again, or take that back"
    restore = _add(commands, "restore", _shown(cli_answers.restore), restore_help)
    restore_arguments.add_arguments(restore)
    restore.set_defaults(run=_restore)
    update = _add(commands, "update", _update, update_arguments.UPDATE_HELP)
    update_arguments.add_arguments(update)
    rollback = _shown(cli_roll.rollback)
    update_arguments.add_rollback_arguments(
        _add(commands, "rollback", rollback, update_arguments.ROLLBACK_HELP)
    )
    prune = _add(
        commands,
        "prune",
        _shown(cli_answers.prune),
        "delete backups that have outlived their use",
    )
    prune.add_argument("--dry-run", action="store_true", help="only show what would go, and why")
    delete = _add(commands, "delete", _shown(cli_answers.delete), "delete one backup")
    delete_arguments.add_arguments(delete)
    pin = _add(commands, "pin", _shown(cli_answers.pin), "keep a backup whatever its age")
    pin.add_argument("id", help="a backup's id, its beginning, or latest")
    pin.add_argument("--remove", action="store_true", help="take its pin away again")
    rekey_help = "seal earlier backups anew for today's keys"
    rekey = _add(commands, "rekey", _shown(cli_answers.rekey), rekey_help)
    rekey.add_argument("id", nargs="?", default="all", help="an id, latest or all (default)")
    rekey.add_argument("--dry-run", action="store_true", help="only show what would be done")
    jobs_help = "show what was done, by whom, and how it ended"
    jobs = _add(commands, "jobs", _shown(cli_answers.jobs), jobs_help)
    jobs.usage = "akbot jobs [--json] [ID]\n       akbot jobs [--json] settle ID"
    jobs.add_argument(
        "words",
        nargs="*",
        metavar="ID",
        help='a job\'s id or its beginning; after "settle": close that job, which was given up',
    )
    _add(commands, "status", _shown(cli_answers.status), "show the stack and its last backup")
    _add_plans(commands)
    _add(commands, "check", _check, "look at stack, store, keys, clock, disks and daemon")
    _add(commands, "notify", cli_notify.notify, cli_notify.HELP).add_argument(
        "what", choices=["test"], help="a message that only says that it is one"
    )
    daemon = commands.add_parser("run", help="work as a daemon: schedule, chat, health")
    daemon.set_defaults(run=_run_daemon)
    cli_setup.add_command(commands)
    crypt.add_commands(commands)
    kit_arguments.add_command(commands).set_defaults(run=_kit)
    return parser


def _add_plans(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """What begins by itself."""
    report = _add(commands, "report", _shown(cli_plans.report), "sum up the last days")
    report.add_argument("--days", type=int, default=7, help="how many; 7 by default, up to 90")
    picture_help = "write the chart of backups, downtime and memory there, as PNG"
    report.add_argument("-o", "--picture", metavar="FILE", help=picture_help)
    schedule_help = "show what begins by itself, and when it does next"
    _add(commands, "schedule", _shown(cli_plans.schedule), schedule_help)
    pause_help = "let nothing begin by itself for some time, for planned work"
    pause = _add(commands, "pause", _shown(cli_plans.pause), pause_help)
    pause.add_argument("length", help='how long, such as 30m, 2h or 1d12h; "akbot resume" ends it')
    resume_help = "end a pause, or let a restored bot go on by itself"
    _add(commands, "resume", _shown(cli_plans.resume), resume_help)


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Run,
    help_text: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help_text, description=help_text)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=lambda args: with_app(run, args))
    return parser


def _shown(answer: cli_answers.Answer) -> Run:
    """A command whose whole work is its answer: a value, and the lines that say the same."""

    async def run(app: "App", args: argparse.Namespace) -> int:
        _show(args, *await answer(app, args))
        return DONE

    return run


def _kit(args: argparse.Namespace) -> int:
    request = kit_arguments.read_request(args)

    async def run(app: "App", _: argparse.Namespace) -> int:
        from bot.app_kit import build_kit  # noqa: PLC0415 - "--help" needs none of it
        from bot.entrypoints.kit import run_kit  # noqa: PLC0415 - likewise

        return await run_kit(build_kit(app), request, app.settings.kit_reminder)

    return with_app(run, args)


def _restore(args: argparse.Namespace) -> int:
    restore_arguments.check_arguments(args)
    run = _shown(cli_answers.restore)
    if not args.bootstrap:
        return with_app(run, args)
    from bot.app_bootstrap import BootstrapWanted  # noqa: PLC0415 - "--help" needs none of it

    settings, args.warnings = told_settings(args)
    wanted = args.wanted = BootstrapWanted(
        args.from_url, args.identity.resolve(), args.project_dir.resolve(), args.stack
    )
    with wanted.workshop_swept(lambda: args.has_laid):
        return run_in_loop(run, wanted.applied(settings), args)


def _run_daemon(args: argparse.Namespace) -> int:
    from bot.service import serve  # noqa: PLC0415

    settings, warnings = read_settings(args)  # which stand in the log, in its form
    asyncio.run(serve(settings, warnings=warnings))
    return DONE


async def _update(app: "App", args: argparse.Namespace) -> int:
    if args.preflight:
        wanted = update_arguments.wanted_tag(args)
        return _show_findings(args, await app.updates.preflight.run(wanted), REFUSED)
    looks = args.check or args.why
    return await _shown(cli_roll.look if looks else cli_roll.update)(app, args)


async def _check(app: "App", args: argparse.Namespace) -> int:
    from bot.app_check import build_check  # noqa: PLC0415 - "--help" needs none of it

    return _show_findings(args, [*args.warnings, *await build_check(app).run()], FAILED)


def _show_findings(args: argparse.Namespace, findings: "Sequence[Finding]", code: int) -> int:
    """Show them; *code* where one of them is a failure."""
    from bot.domain.findings import Level, worst  # noqa: PLC0415
    from bot.entrypoints import render  # noqa: PLC0415

    _show(args, [asdict(finding) for finding in findings], render.finding_lines(findings))
    return code if worst(findings) is Level.FAILURE else DONE
