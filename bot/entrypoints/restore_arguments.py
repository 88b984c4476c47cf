"""What `akbot restore` was asked for."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from bot.domain.errors import ConfigError

_OF_ANY = frozenset({"--keep-queue", "--no-safety-backup"})  # backup or dump


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument(
        "id", nargs="?", default="latest", help="a backup's id, its beginning, or latest (default)"
    )
    parser.add_argument(
        "--component",
        action="append",
        default=[],
        metavar="NAME",
        help="only this part: postgres, media …; may be given several times",
    )
    parser.add_argument(
        "--dump",
        metavar="FILE",
        help="instead of a backup, a dump that pg_dump made (-Fc or SQL text), - for stdin",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--dry-run", action="store_true", help="only show what would be done, and change nothing"
    )
    parser.add_argument(
        "--undo", action="store_true", help="take the last restore back: rows, files and version"
    )
    parser.add_argument(
        "--trust", metavar="KEY", help="one more signing key to trust this once, ed25519:…"
    )
    parser.add_argument(
        "--allow-unsigned", action="store_true", help="whoever wrote the backup; name it by its id"
    )
    parser.add_argument(
        "--with-redis", action="store_true", help="load Redis too; else it is emptied"
    )
    parser.add_argument(
        "--keep-queue", action="store_true", help="do what waited in the task queue, mails too"
    )
    parser.add_argument(
        "--apply-compose",
        action="store_true",
        help="let the backup's own compose files come with it where its layout is another one",
    )
    parser.add_argument(
        "--no-safety-backup", action="store_true", help="do not back the state before up"
    )
    group = parser.add_argument_group("a backup of another host, or sealed for another key")
    group.add_argument("--from", dest="from_url", metavar="URL", help="the store, as AKBOT_STORE")
    group.add_argument("--identity", type=Path, metavar="FILE", help="the private key")
    group.add_argument("--stack", metavar="NAME", help="where the store has several")
    group = parser.add_argument_group("on a host that has nothing of the stack")
    group.add_argument(
        "--bootstrap",
        action="store_true",
        help="lay the whole stack: compose files, settings, data; run deploy/bootstrap for it",
    )
    group.add_argument(
        "--project-dir",
        type=Path,
        metavar="FOLDER",
        help="an empty folder for the project; default: the current one",
    )


def check_arguments(args: argparse.Namespace) -> None:
    """Refuse what does not go together.

    Raises:
        ConfigError: an undo has no choice, a dump is the database alone, an unsigned backup is
            named, and compose files come with all of a backup that somebody has signed; what is
            given is not empty.
    """
    _refuse_empty({"--from": args.from_url, "--stack": args.stack, "--trust": args.trust})
    choices = {
        "--component": args.component,
        "--trust": args.trust,
        "--allow-unsigned": args.allow_unsigned,
        "--with-redis": args.with_redis,
        "--keep-queue": args.keep_queue,
        "--apply-compose": args.apply_compose,
        "--no-safety-backup": args.no_safety_backup,
        "--from": args.from_url,
        "--identity": args.identity,
        "ID": args.id != "latest",
    }
    _check_bootstrap(args)
    _refuse("--undo", args.undo, {**choices, "--dump": args.dump is not None})
    of_backups = {name: value for name, value in choices.items() if name not in _OF_ANY}
    _refuse("--dump", args.dump is not None, of_backups)
    of_files = {"--component": args.component, "--allow-unsigned": args.allow_unsigned}
    _refuse("--apply-compose", args.apply_compose, of_files)
    if args.dump == "":
        raise ConfigError(
            "restore --dump: it names no file", hint="Give it a path, or - for stdin."
        )
    if args.dump == "-" and not (args.yes or args.dry_run):
        raise ConfigError(
            "restore --dump -: stdin is the dump, so nobody can be asked there",
            hint="Look with --dry-run first, then say --yes.",
        )
    if args.allow_unsigned and args.id == "latest":
        raise ConfigError(
            "restore --allow-unsigned: latest is always a trusted one",
            hint='Name the backup by its id; see "akbot backups".',
        )


def _refuse_empty(given: Mapping[str, str | None]) -> None:
    """A variable of the shell that is not set must not choose this host's own store."""
    for option, value in given.items():
        if value == "":
            raise ConfigError(
                f"restore {option}: its value is empty", hint="Give it one, or leave it out."
            )


def _refuse(option: str, given: bool, others: Mapping[str, object]) -> None:  # noqa: FBT001
    found = [name for name, value in others.items() if value]
    if given and found:
        raise ConfigError(
            f"restore {option}: it does not go with {found[0]}", hint="Leave one of them out."
        )


def _check_bootstrap(args: argparse.Namespace) -> None:
    needs = {"--from": args.from_url, "--identity": args.identity}
    never = {
        "--undo": args.undo,
        "--dump": args.dump is not None,
        "--component": args.component,
        "--allow-unsigned": args.allow_unsigned,
        "--apply-compose": args.apply_compose,
        "--no-safety-backup": args.no_safety_backup,
    }
    if not args.bootstrap:
        if args.project_dir:
            raise ConfigError(
                "restore --project-dir: it is for an empty host", hint="Add --bootstrap."
            )
        if args.stack and not args.from_url:
            raise ConfigError(
                "restore --stack: it names a stack in another store", hint="Add --from URL."
            )
        return
    missing = [name for name, value in needs.items() if not value]
    if missing:
        raise ConfigError(
            f"restore --bootstrap: {missing[0]} is missing",
            hint="Give the store and the private key: --from URL --identity FILE.",
        )
    given = [name for name, value in never.items() if value]
    if given:
        raise ConfigError(
            f"restore --bootstrap: it does not go with {given[0]}", hint="Leave one of them out."
        )
    args.project_dir = args.project_dir or Path()
    args.stack = args.stack or ""
    args.has_laid = False  # as long as nothing is known of it
