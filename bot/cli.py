"""argv to command to exit code."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.domain.errors import BotError, ConfigError, RefusedError
from bot.entrypoints import crypt, kit_arguments

if TYPE_CHECKING:
    from bot.app import App
    from bot.settings import Settings

DONE, FAILED, MISUSED, REFUSED = 0, 1, 2, 3
INTERRUPTED = 130
_LONGEST_LABEL = 100
_ALL = 10_000  # jobs, more than the journal keeps

Run = Callable[["App", argparse.Namespace], Awaitable[int]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (design: 0 done, 1 failed, 2 usage, 3 refused)."""
    args = make_parser().parse_args(arguments)
    try:
        code: int = args.run(args)
    except BotError as error:
        _complain(error)
        return _exit_code(error)
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("akbot: interrupted", file=sys.stderr)  # noqa: T201
        return INTERRUPTED
    return code


def _exit_code(error: BotError) -> int:
    if isinstance(error, ConfigError):
        return MISUSED
    return REFUSED if isinstance(error, RefusedError) else FAILED


def worst_code(first: int, second: int) -> int:
    """What to exit with after both: that something failed counts more than a refusal."""
    return FAILED if FAILED in {first, second} else max(first, second)


def _complain(error: BotError) -> None:
    """One line: what is wrong, and what to do; notes about what is left stand below."""
    line = f"akbot: {error}. {error.hint}" if error.hint else f"akbot: {error}"
    print("\n".join([line, *getattr(error, "__notes__", [])]), file=sys.stderr)  # noqa: T201


def _say(*lines: str) -> None:
    print("\n".join(lines))  # noqa: T201 - what a command was asked for


def _say_json(value: Any) -> None:
    _say(json.dumps(value, indent=1, default=str))


def _show(args: argparse.Namespace, value: Any, lines: Sequence[str]) -> None:
    """As JSON where that was asked for, else as text."""
    if args.json:
        _say_json(value)
    else:
        _say(*lines)


def make_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="akbot",
        description="Encrypted, proven backups of an Authentik stack, and the bot that makes them.",
    )
    parser.add_argument("--env-file", type=Path, help="settings file instead of ./akbot.env")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    backup = _add(commands, "backup", _backup, "back the stack up")
    backup.add_argument("--label", default="", help="a few words to find it by")
    backup.add_argument("--pin", action="store_true", help="keep it whatever its age")
    backup.add_argument(
        "--component",
        action="append",
        default=[],
        metavar="NAME",
        help="only this component; may be given several times",
    )
    backups = _add(commands, "backups", _backups, "list the backups, or show one")
    backups.add_argument("id", nargs="?", help="a backup's id, its beginning, or latest")
    verify = _add(commands, "verify", _verify, "read a stored backup back")
    verify.add_argument("id", nargs="?", default="latest", help="an id, latest (default) or all")
    verify.add_argument("--deep", action="store_true", help="also read the dump with pg_restore")
    jobs = _add(commands, "jobs", _jobs, "show what was done, by whom, and how it ended")
    jobs.add_argument("id", nargs="?", help='a job\'s id, or "settle"')
    jobs.add_argument("settled", nargs="?", metavar="ID", help="with settle: its id")
    _add(commands, "status", _status, "show the stack and its last backup")
    _add(commands, "check", _check, "look at stack, store, keys, clock, disks and daemon")
    run = commands.add_parser("run", help="work as a daemon: schedule, chat, health")
    run.set_defaults(run=_run_daemon)
    crypt.add_commands(commands)
    kit = commands.add_parser("kit", help="print what brings the stack back without this host")
    kit_arguments.add_arguments(kit)
    kit.set_defaults(run=_kit)
    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Run,
    help_text: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help_text, description=help_text)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=lambda args: _with_app(run, args))
    return parser


def _with_app(run: Run, args: argparse.Namespace) -> int:
    """Read the settings, build the application, run the command in an event loop."""
    return asyncio.run(_run(run, _settings(args), args))


def _settings(args: argparse.Namespace) -> "Settings":
    from bot.settings_source import ENV_FILE, load_settings  # noqa: PLC0415 - "--help" needs none of it

    if args.env_file and not args.env_file.is_file():
        raise ConfigError(f'--env-file: there is no file "{args.env_file}"')
    loaded = load_settings(env_file=args.env_file or Path(ENV_FILE))
    for warning in loaded.warnings:
        print(f"akbot: warning: {warning}", file=sys.stderr)  # noqa: T201
    return loaded.settings


def _kit(args: argparse.Namespace) -> int:
    request = kit_arguments.read_request(args)

    async def run(app: "App", _: argparse.Namespace) -> int:
        from bot.entrypoints.kit import run_kit  # noqa: PLC0415 - likewise

        return await run_kit(app.kit(), request, app.settings.kit_reminder)

    return _with_app(run, args)


def _run_daemon(args: argparse.Namespace) -> int:
    from bot.app import serve  # noqa: PLC0415

    settings = _settings(args)
    asyncio.run(serve(settings))
    return DONE


async def _run(run: Run, settings: "Settings", args: argparse.Namespace) -> int:
    from bot.app import open_app  # noqa: PLC0415 - likewise
    from bot.entrypoints.terminal import Progress  # noqa: PLC0415

    progress = Progress(sys.stderr)
    _end_in_order_on_sigterm()
    listeners = [lambda _, event: progress(event)]
    async with open_app(settings, listeners, patient=run in {_backup, _verify}) as app:
        return await run(app, args)


def _end_in_order_on_sigterm() -> None:
    """As on Ctrl-C: what is under way is undone before the process ends."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


async def _backup(app: "App", args: argparse.Namespace) -> int:
    import getpass  # noqa: PLC0415

    from bot.domain.jobs import Trigger  # noqa: PLC0415
    from bot.domain.messages import RunBackup  # noqa: PLC0415

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
    manifest = await app.backup(command)
    if args.json:
        _say_json(asdict(manifest))
    else:
        _say(manifest.id, *(f"warning: {warning}" for warning in manifest.warnings))
    return DONE


async def _backups(app: "App", args: argparse.Namespace) -> int:
    from bot.domain.catalogue import choose  # noqa: PLC0415
    from bot.entrypoints import render  # noqa: PLC0415

    records = await app.backups()
    if args.id:
        record = choose(records, args.id)
        if args.json:
            _say_json(asdict(record))
        else:
            _say(*render.manifest_lines(record))
    elif args.json:
        _say_json([asdict(record) for record in records])
    else:
        _say(*render.backup_lines(records, app.clock.now()))
    return DONE


async def _verify(app: "App", args: argparse.Namespace) -> int:
    from bot.domain.catalogue import choose  # noqa: PLC0415
    from bot.entrypoints import render  # noqa: PLC0415
    from bot.entrypoints.terminal import Progress  # noqa: PLC0415

    records = await app.backups()
    chosen = records if args.id == "all" else [choose(records, args.id)]
    service = app.verify(Progress(sys.stderr))
    outcomes: list[dict[str, Any]] = []
    code = DONE
    for record in chosen:
        try:
            result = await service.run(record, deep=args.deep)
        except BotError as error:
            if len(chosen) == 1 and not args.json:
                raise
            code = worst_code(code, _exit_code(error))
            outcomes.append({"id": record.id, "ok": False, "reason": str(error)})
        else:
            outcomes.append({"id": record.id, "ok": True, **asdict(result)})
    if args.json:
        _say_json(outcomes)
    else:
        _say(*render.verify_lines(outcomes))
    return code


async def _jobs(app: "App", args: argparse.Namespace) -> int:
    from bot.domain.jobs import choose_job  # noqa: PLC0415
    from bot.entrypoints import render  # noqa: PLC0415

    if args.id == "settle":
        job = await app.jobs.settle(
            choose_job(await app.journal.jobs.jobs(_ALL), args.settled or "")
        )
        _show(args, asdict(job), [f"Job {job.id} is settled: nothing of it is tried any more."])
        return DONE
    if args.id:
        chosen = choose_job(await app.journal.jobs.jobs(_ALL), args.id)
        _show(args, asdict(chosen), render.job_lines(chosen, app.settings.zone))
    else:
        jobs = await app.journal.jobs.jobs()
        _show(args, [asdict(job) for job in jobs], render.jobs_lines(jobs, app.settings.zone))
    return DONE


async def _status(app: "App", args: argparse.Namespace) -> int:
    from bot.domain.jobs import JobState, describe  # noqa: PLC0415
    from bot.entrypoints import render  # noqa: PLC0415

    stack = await app.engine.find_stack()
    records = await app.backups()
    running = [job for job in await app.journal.jobs.open_jobs() if job.state is JobState.RUNNING]
    value = {
        "containers": [asdict(each) for each in stack.containers],
        "backups": [{"id": each.id, "state": each.state} for each in records],
        "running": [asdict(job) for job in running],
    }
    lines = render.status_lines(stack.containers, records, app.clock.now())
    _show(args, value, [*lines, *(f"Running now: {describe(job)}" for job in running)])
    return DONE


async def _check(app: "App", args: argparse.Namespace) -> int:
    from bot.domain.findings import Level, worst  # noqa: PLC0415
    from bot.entrypoints import render  # noqa: PLC0415

    findings = await app.check().run()
    if args.json:
        _say_json([asdict(finding) for finding in findings])
    else:
        _say(*render.finding_lines(findings))
    return FAILED if worst(findings) is Level.FAILURE else DONE
