"""What `akbot update` and `akbot rollback` are asked for."""

import argparse

UPDATE_HELP = "go to a newer version, and back by itself if that does not hold"
ROLLBACK_HELP = "take the last update back, its database included"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `akbot update`."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--check", action="store_true", help="every step, and what it asks of you")
    form.add_argument("--why", action="store_true", help="what holds it back, and until when")
    form.add_argument(
        "--preflight",
        action="store_true",
        help="whether the stack is fit for it; exit code 3 if not",
    )
    form.add_argument("--dry-run", action="store_true", help="only show what would be done")
    form.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--no-rehearsal",
        action="store_true",
        help="do not go the way on a copy of the database first",
    )
    parser.add_argument(
        "--apply-compose",
        action="store_true",
        help="change the compose files where the way wants it",
    )
    parser.add_argument(
        "tag", nargs="?", default=None, metavar="TAG", help="a version; by default the newest"
    )


def wanted_tag(args: argparse.Namespace) -> str:
    """The version that was asked for, "" for the newest.

    Raises ConfigError where a word was given that is none: an empty one, by a variable of a script
    that is not set, shall not become the newest.
    """
    from bot.domain.versions import parse_target  # noqa: PLC0415 - "--help" needs none of it

    return "" if args.tag is None else str(parse_target(args.tag))


def add_rollback_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `akbot rollback`."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--dry-run", action="store_true", help="only show what would be done")
    form.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--no-safety-backup", action="store_true", help="do not back the state before up first"
    )
