"""`akbot keygen`, `akbot encrypt` and `akbot decrypt`: the flags of `age`, in constant memory.

`bot.age` is imported by the functions that need it, since `akbot --help` must not wait for a
cryptographic library to load.
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bot.domain.errors import ConfigError, IntegrityError, PortError
from bot.entrypoints.files import STANDARD, io_errors, open_input, open_output, shown, write_new
from bot.entrypoints.key_input import as_text, read_keys, read_passphrase, warn_if_exposed
from bot.entrypoints.streams import ReaderGoneError, complain, say

if TYPE_CHECKING:
    from bot import age

_BLOCK_SIZE = 1 << 20


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the three commands; each sets `run`, which takes the arguments."""
    _add_keygen(commands.add_parser("keygen", help="make a key pair for backups"))
    _add_encrypt(commands.add_parser("encrypt", help="encrypt a file for age recipients"))
    _add_decrypt(commands.add_parser("decrypt", help="decrypt an age file"))


def _add_keygen(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        required=True,
        help="write the secret key to FILE, which must not exist; the recipient goes to stdout;"
        " with -o - the secret key goes there instead",
    )
    parser.add_argument(
        "--hybrid",
        action="store_true",
        help="safe against quantum computers; opening by hand then needs age 1.3 or newer",
    )
    parser.set_defaults(run=run_keygen)


def _add_encrypt(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-r",
        "--recipient",
        metavar="RECIPIENT",
        action="append",
        default=[],
        help="encrypt for RECIPIENT (age1…); may be repeated",
    )
    parser.add_argument(
        "-R",
        "--recipients-file",
        metavar="FILE",
        action="append",
        default=[],
        help="encrypt for the recipients in FILE, one a line; may be repeated",
    )
    parser.add_argument("-a", "--armor", action="store_true", help="write ASCII, not binary")
    _add_files(parser)
    parser.set_defaults(run=run_encrypt)


def _add_decrypt(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-i",
        "--identity",
        metavar="FILE",
        action="append",
        default=[],
        help="use the secret keys in FILE; may be repeated",
    )
    parser.add_argument(
        "--passphrase-file",
        metavar="FILE",
        help="the passphrase, on the first line of FILE, of IN or of a locked identity file",
    )
    _add_files(parser)
    parser.set_defaults(run=run_decrypt)


def _add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="write to OUT once all is well (default: stdout)"
    )
    parser.add_argument("input", metavar="IN", nargs="?", help="read IN (default: stdin)")


def run_keygen(args: argparse.Namespace) -> int:
    """Write a new identity file that only its owner can read, and print its recipient."""
    from bot import age  # noqa: PLC0415  (see the module's docstring)

    identity = age.HybridIdentity.generate() if args.hybrid else age.X25519Identity.generate()
    text = age.format_identity_file(identity, datetime.now(UTC))
    recipient = str(identity.recipient())
    if args.output != STANDARD:
        write_new(Path(args.output), text.encode("ascii"))
    if not sys.stdout.isatty():
        complain(f"Public key: {recipient}")
    if args.output == STANDARD:
        say(text.rstrip("\n"))
        return 0
    try:
        say(recipient)
    except PortError as error:
        hint = f"The key file {shown(args.output)} was written and is kept; the recipient is in it."
        raise PortError(str(error), hint=hint) from error
    return 0


def run_encrypt(args: argparse.Namespace) -> int:
    """Encrypt the input for every recipient named."""
    from bot import age  # noqa: PLC0415

    recipients = _recipients(args)
    if args.output is None and not args.armor and sys.stdout.isatty():
        raise ConfigError(
            "encrypt: the output is binary, and stdout is a terminal",
            hint="Write to a file with -o, or use -a; -o - insists.",
        )
    try:
        sealer = age.Sealer(recipients, armor=args.armor)
    except age.RecipientsError as error:
        raise ConfigError(
            f"encrypt with -r and -R: {error}", hint="Name recipients of one kind only."
        ) from error
    return _transform(args, sealer, mode=0o666)


def run_decrypt(args: argparse.Namespace) -> int:
    """Decrypt the input with the first identity that opens it."""
    from bot import age  # noqa: PLC0415

    _check_stdin_used_once(
        {
            "-i": args.identity,
            "--passphrase-file": [args.passphrase_file],
            "IN": [args.input or STANDARD],
        }
    )
    opener = age.Opener(_identities(args))
    try:
        # Plaintext of a backup is secret: nobody else is to read the new file.
        return _transform(args, opener, mode=0o600)
    except age.NoIdentityMatchError as error:
        hint = "Name the identity of one of its recipients with -i, or --passphrase-file."
        raise IntegrityError(f"decrypt {shown(args.input)}: {error}", hint=hint) from error
    except age.AgeError as error:
        hint = "Fetch the file once more, or take another copy."
        raise IntegrityError(f"decrypt {shown(args.input)}: {error}", hint=hint) from error


def _recipients(args: argparse.Namespace) -> "list[age.Recipient]":
    from bot import age  # noqa: PLC0415

    _check_stdin_used_once({"-R": args.recipients_file, "IN": [args.input or STANDARD]})
    recipients: list[age.Recipient] = []
    for text in args.recipient:
        try:
            recipients.append(age.parse_recipient(text))
        except age.KeyFormatError as error:
            raise ConfigError(f"read -r: {error}", hint="Copy the whole recipient.") from error
    for path in args.recipients_file:
        content, _ = read_keys(path, "-R")
        try:
            recipients += age.parse_recipient_file(as_text(content, path, "-R"))
        except age.KeyFormatError as error:
            raise ConfigError(
                f"read -R {shown(path)}: {error}", hint="Correct the file."
            ) from error
    if not recipients:
        raise ConfigError(
            "encrypt: there is no recipient", hint="Name one with -r, or a file of them with -R."
        )
    return recipients


def _identities(args: argparse.Namespace) -> "list[age.Identity]":
    from bot import age  # noqa: PLC0415

    identities: list[age.Identity] = []
    if args.passphrase_file is not None:
        passphrase = age.PassphraseIdentity(read_passphrase(args.passphrase_file))
        identities.append(passphrase)
    elif not args.identity:
        raise ConfigError(
            "decrypt: there is no identity",
            hint="Name its file with -i, or the passphrase's with --passphrase-file.",
        )
    locks = tuple(identities)
    for path in args.identity:
        content, status = read_keys(path, "-i")
        locked = content.startswith((age.VERSION_LINE, age.ARMOR_BEGIN))
        if locked:
            content = _unlock(content, locks, path)
        try:
            identities += age.parse_identity_file(as_text(content, path, "-i"))
        except age.KeyFormatError as error:
            raise ConfigError(
                f"read -i {shown(path)}: {error}", hint="Name the file that akbot keygen wrote."
            ) from error
        if not locked:
            warn_if_exposed("-i", path, status)
    return identities


def _unlock(content: bytes, locks: "tuple[age.Identity, ...]", path: str) -> bytes:
    """Decrypt an identity file that is itself locked with a passphrase."""
    from bot import age  # noqa: PLC0415

    if not locks:
        raise ConfigError(
            f"read -i {shown(path)}: it is locked with a passphrase",
            hint="Name the passphrase's file with --passphrase-file.",
        )
    try:
        return b"".join(age.decrypt([content], locks))
    except age.AgeError as error:
        raise IntegrityError(
            f"unlock -i {shown(path)}: {error}", hint="Check the file named by --passphrase-file."
        ) from error


def _check_stdin_used_once(uses: dict[str, list[str]]) -> None:
    """Refuse to read two things from stdin; *uses* maps a flag to the files that it names."""
    flags = [flag for flag, paths in uses.items() for path in paths if path == STANDARD]
    if len(flags) > 1:
        raise ConfigError(
            f"read stdin: it cannot be both {flags[0]} and {flags[1]}",
            hint="Name a file for one of them.",
        )


class _Transform(Protocol):
    """A Sealer or an Opener."""

    def update(self, data: memoryview) -> bytes: ...
    def finish(self) -> bytes: ...


def _transform(args: argparse.Namespace, transform: _Transform, *, mode: int) -> int:
    """Push the input through *transform* into the output."""
    buffer = memoryview(bytearray(_BLOCK_SIZE))
    reading, writing = f"read {shown(args.input)}", f"write {shown(args.output, 'stdout')}"
    try:
        with (
            open_input(args.input or STANDARD, "IN") as source,
            io_errors(writing),
            open_output(args.output, mode) as sink,
        ):
            while True:
                with io_errors(reading):
                    count = source.readinto1(buffer)
                if not count:
                    break
                sink.write(transform.update(buffer[:count]))
            sink.write(transform.finish())
    except BrokenPipeError as error:
        raise ReaderGoneError from error
    return 0
