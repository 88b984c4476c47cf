"""What `akbot kit` was asked for.

Passphrase and code are read here, before the event loop runs, so that Ctrl-C ends the waiting for
them.
"""

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path

from bot.domain.errors import ConfigError
from bot.entrypoints.files import STANDARD, io_errors
from bot.entrypoints.key_input import read_passphrase

_LONGEST_CODE = 200


def add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> argparse.ArgumentParser:
    """The command and its arguments."""
    parser = commands.add_parser("kit", help="print what brings the stack back without this host")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write to FILE, which must not exist, mode 600"
    )
    parser.add_argument(
        "--with-key", action="store_true", help="with the private key, its QR code and check code"
    )
    parser.add_argument(
        "--identity",
        metavar="FILE",
        type=Path,
        help="the private key to print, where the host has none; it is read and not kept",
    )
    lock = parser.add_mutually_exclusive_group()
    lock.add_argument(
        "--passphrase", action="store_true", help="lock the kit with a passphrase, asked for twice"
    )
    lock.add_argument(
        "--passphrase-file", metavar="FILE", help="likewise, the first line of FILE; - is stdin"
    )
    parser.add_argument(
        "--confirm",
        nargs="*",
        metavar="CODE",
        help="show that the kit still exists by its check code, asked for if it is not given",
    )
    parser.add_argument(
        "--challenge",
        action="store_true",
        help="print an age file with a code for --confirm, which only the private key opens",
    )
    return parser


@dataclass(frozen=True, kw_only=True)
class KitRequest:
    """What was asked for; *code* is None where nothing is to be confirmed."""

    output: Path | None
    with_key: bool
    identity: Path | None
    passphrase: str | None = field(repr=False)
    code: str | None = field(repr=False)
    challenge: bool
    as_json: bool


def read_request(args: argparse.Namespace) -> KitRequest:
    """Check the arguments, and ask at the terminal for what is missing.

    Raises:
        ConfigError: they do not go together, or what was typed is empty.
    """
    locked = args.passphrase or args.passphrase_file is not None
    about_the_sheet = {
        "--with-key": args.with_key,
        "--identity": args.identity is not None,
        "--passphrase": locked,
    }
    if args.confirm is not None:
        about_the_sheet |= {"--challenge": args.challenge, "-o": args.output is not None}
        _refuse_beside("--confirm", about_the_sheet)
    elif args.challenge:
        _refuse_beside("--challenge", about_the_sheet)
    if args.identity is not None and not args.with_key:
        raise ConfigError(
            "kit --identity: the key would not be printed", hint="Add --with-key, or leave it out."
        )
    return KitRequest(
        output=Path(args.output) if args.output not in {None, STANDARD} else None,
        with_key=args.with_key,
        identity=args.identity,
        passphrase=_passphrase(args) if locked else None,
        code=None if args.confirm is None else " ".join(args.confirm) or _ask_code(),
        challenge=args.challenge,
        as_json=args.json,
    )


def _refuse_beside(flag: str, others: dict[str, bool]) -> None:
    given = [name for name, is_given in others.items() if is_given]
    if given:
        raise ConfigError(f"kit {flag}: it does not go with {given[0]}", hint="Leave one out.")


def _passphrase(args: argparse.Namespace) -> str:
    if args.passphrase_file is not None:
        return read_passphrase(args.passphrase_file)
    import getpass  # noqa: PLC0415

    if not sys.stdin.isatty():
        raise ConfigError(
            "kit --passphrase: there is no terminal to ask at",
            hint="Put the passphrase into a file, and name it with --passphrase-file.",
        )
    passphrase = getpass.getpass("Passphrase: ", sys.stderr)
    if not passphrase:
        raise ConfigError("kit --passphrase: the passphrase is empty", hint="Type one.")
    if getpass.getpass("Once more: ", sys.stderr) != passphrase:
        raise ConfigError("kit --passphrase: the two are not the same", hint="Try again.")
    return passphrase


def _ask_code() -> str:
    if sys.stdin.isatty():
        sys.stderr.write("Check code: ")
        sys.stderr.flush()
    with io_errors("read the check code"):
        code = sys.stdin.buffer.readline(_LONGEST_CODE).decode(errors="replace").strip()
    if not code:
        raise ConfigError(
            "kit --confirm: there is no code", hint="Give it as an argument, or type it."
        )
    return code
