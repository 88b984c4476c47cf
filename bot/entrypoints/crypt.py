"""`akbot keygen`, `akbot encrypt` and `akbot decrypt`: the flags of `age`, in constant memory.

`bot.age` is imported by the functions that need it, since `akbot --help` must not wait for a
cryptographic library to load.
"""

import argparse
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from bot.domain.errors import ConfigError, IntegrityError, PortError

if TYPE_CHECKING:
    from bot import age

_BLOCK_SIZE = 1 << 20
_MAX_KEY_FILE_SIZE = 1 << 20
_STANDARD = "-"


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
        help="write the secret key to FILE, which must not exist; the recipient goes to stdout",
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
    _write_new(Path(args.output), text.encode("ascii"))
    recipient = str(identity.recipient())
    if not sys.stdout.isatty():
        sys.stderr.write(f"Public key: {recipient}\n")
    sys.stdout.write(f"{recipient}\n")
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
            "IN": [args.input or _STANDARD],
        }
    )
    opener = age.Opener(_identities(args))
    try:
        # Plaintext of a backup is secret: nobody else is to read the new file.
        return _transform(args, opener, mode=0o600)
    except age.NoIdentityMatchError as error:
        hint = "Name the identity of one of its recipients with -i, or --passphrase-file."
        raise IntegrityError(f"decrypt {_name(args.input)}: {error}", hint=hint) from error
    except age.AgeError as error:
        hint = "Fetch the file once more, or take another copy."
        raise IntegrityError(f"decrypt {_name(args.input)}: {error}", hint=hint) from error


def _recipients(args: argparse.Namespace) -> "list[age.Recipient]":
    from bot import age  # noqa: PLC0415

    _check_stdin_used_once({"-R": args.recipients_file, "IN": [args.input or _STANDARD]})
    recipients: list[age.Recipient] = []
    for text in args.recipient:
        try:
            recipients.append(age.parse_recipient(text))
        except age.KeyFormatError as error:
            raise ConfigError(f"read -r: {error}", hint="Copy the whole recipient.") from error
    for path in args.recipients_file:
        content, _ = _read_keys(path, "-R")
        try:
            recipients += age.parse_recipient_file(_text(content, path, "-R"))
        except age.KeyFormatError as error:
            raise ConfigError(
                f"read -R {_name(path)}: {error}", hint="Correct the file."
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
        passphrase = age.PassphraseIdentity(_read_passphrase(args.passphrase_file))
        identities.append(passphrase)
    elif not args.identity:
        raise ConfigError(
            "decrypt: there is no identity",
            hint="Name its file with -i, or the passphrase's with --passphrase-file.",
        )
    locks = tuple(identities)
    for path in args.identity:
        content, exposed = _read_keys(path, "-i")
        if content.startswith((age.VERSION_LINE, age.ARMOR_BEGIN)):
            content = _unlock(content, locks, path)
        elif exposed:
            _warn_exposed("identity", path)
        try:
            identities += age.parse_identity_file(_text(content, path, "-i"))
        except age.KeyFormatError as error:
            raise ConfigError(
                f"read -i {_name(path)}: {error}", hint="Name the file that akbot keygen wrote."
            ) from error
    return identities


def _unlock(content: bytes, locks: "tuple[age.Identity, ...]", path: str) -> bytes:
    """Decrypt an identity file that is itself locked with a passphrase."""
    from bot import age  # noqa: PLC0415

    if not locks:
        raise ConfigError(
            f"read -i {_name(path)}: it is locked with a passphrase",
            hint="Name the passphrase's file with --passphrase-file.",
        )
    try:
        return b"".join(age.decrypt([content], locks))
    except age.AgeError as error:
        raise IntegrityError(
            f"unlock -i {_name(path)}: {error}", hint="Check the file named by --passphrase-file."
        ) from error


def _read_passphrase(path: str) -> str:
    content, exposed = _read_keys(path, "--passphrase-file")
    if exposed:
        _warn_exposed("passphrase", path)
    try:
        passphrase = content.decode().split("\n")[0].removesuffix("\r")
    except UnicodeDecodeError:
        passphrase = ""
    if not passphrase:
        raise ConfigError(
            f"read --passphrase-file {_name(path)}: its first line is empty or not text",
            hint="Put the passphrase, and nothing else, on its first line.",
        )
    return passphrase


def _read_keys(path: str, flag: str) -> tuple[bytes, bool]:
    """Return the content of a small file, and whether everybody on this host can read it."""
    with _open_input(path, flag) as file, _io(f"read {flag} {_name(path)}"):
        mode = os.fstat(file.fileno()).st_mode
        content = file.read(_MAX_KEY_FILE_SIZE + 1)
    if len(content) > _MAX_KEY_FILE_SIZE:
        raise ConfigError(
            f"read {flag} {_name(path)}: it is longer than {_MAX_KEY_FILE_SIZE >> 10} KiB",
            hint="Name a file of keys; the file to work on is the last argument.",
        )
    return content, stat.S_ISREG(mode) and bool(mode & stat.S_IROTH)


def _text(content: bytes, path: str, flag: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"read {flag} {_name(path)}: it is not text", hint="Name a file of keys."
        ) from error


def _warn_exposed(what: str, path: str) -> None:
    sys.stderr.write(
        f"akbot: warning: everybody on this host can read the {what} file {_name(path)};"
        " chmod 600 it\n"
    )


def _check_stdin_used_once(uses: dict[str, list[str]]) -> None:
    """Refuse to read two things from stdin; *uses* maps a flag to the files that it names."""
    flags = [flag for flag, paths in uses.items() for path in paths if path == _STANDARD]
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
    """Push the input through *transform* into the output; 1 if nobody wants the output."""
    buffer = memoryview(bytearray(_BLOCK_SIZE))
    reading, writing = f"read {_name(args.input)}", f"write {_name(args.output, 'stdout')}"
    try:
        with (
            _open_input(args.input or _STANDARD, "IN") as source,
            _io(writing),
            _open_output(args.output, mode) as sink,
        ):
            while True:
                with _io(reading):
                    count = source.readinto1(buffer)
                if not count:
                    break
                sink.write(transform.update(buffer[:count]))
            sink.write(transform.finish())
    except BrokenPipeError:
        return 1
    return 0


@contextmanager
def _io(doing: str) -> Iterator[None]:
    """Raise what the system refuses as PortError; a reader that went away is not an error."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise PortError(f"{doing}: {error.strerror}") from error


def _open_input(path: str, flag: str) -> BufferedReader:
    try:
        return open(0 if path == _STANDARD else path, "rb", closefd=path != _STANDARD)
    except OSError as error:
        raise ConfigError(
            f"open {flag} {_name(path)}: {error.strerror}",
            hint="Check the name and who may read it.",
        ) from error


@contextmanager
def _open_output(path: str | None, mode: int) -> Iterator[BinaryIO]:
    """Open stdout, or a file that takes its name only when the block ends well.

    What exists and is no regular file (a device, a pipe) is written directly.
    """
    if path is None or path == _STANDARD:
        with open(1, "wb", closefd=False) as stdout:
            yield stdout
        return
    named = Path(path)
    if named.exists() and not named.is_file():
        with _create(named, os.O_WRONLY, mode) as file:
            yield file
        return
    target = named.resolve()
    draft = target.with_name(f".akbot-{secrets.token_hex(8)}.tmp")
    with _create(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode) as file, _or_removed(draft):
        yield file
        _sync(file)
        draft.replace(target)
    _sync_folder(target.parent)


def _write_new(path: Path, content: bytes) -> None:
    """Write a secret to a file that did not exist, and that nobody else could ever read."""
    with (
        _io(f"write {_name(str(path))}"),
        _create(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600) as file,
        _or_removed(path),
    ):
        file.write(content)
        _sync(file)
        _sync_folder(path.parent)


def _create(path: Path, flags: int, mode: int) -> BinaryIO:
    try:
        return os.fdopen(os.open(path, flags, mode), "wb")
    except FileExistsError as error:
        raise ConfigError(
            f'create -o "{path}": it exists, and a key is never overwritten',
            hint="Choose another name.",
        ) from error
    except OSError as error:
        raise ConfigError(
            f'create -o "{path}": {error.strerror}',
            hint="Check the folder and who may write to it.",
        ) from error


@contextmanager
def _or_removed(path: Path) -> Iterator[None]:
    """Remove *path* if the block fails or is interrupted."""
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    """Make a new name in *path* survive a loss of power."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _name(path: str | None, otherwise: str = "stdin") -> str:
    return otherwise if path is None or path == _STANDARD else f'"{path}"'
