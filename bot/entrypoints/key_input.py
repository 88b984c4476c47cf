"""Small files of keys and passphrases, given by flags of commands."""

import os

from bot.domain.errors import ConfigError
from bot.entrypoints.files import io_errors, open_input, shown
from bot.entrypoints.streams import complain

_MAX_KEY_FILE_SIZE = 1 << 20


def read_passphrase(path: str) -> str:
    """The first line of a file. Raises ConfigError where it is empty, or no text."""
    content, status = read_keys(path, "--passphrase-file")
    warn_if_exposed("--passphrase-file", path, status)
    try:
        passphrase = content.decode().split("\n")[0].removesuffix("\r")
    except UnicodeDecodeError:
        passphrase = ""
    if not passphrase:
        raise ConfigError(
            f"read --passphrase-file {shown(path)}: its first line is empty or not text",
            hint="Put the passphrase, and nothing else, on its first line.",
        )
    return passphrase


def read_keys(path: str, flag: str) -> tuple[bytes, os.stat_result]:
    """The content of a small file, and whose it is. Raises ConfigError naming *flag*."""
    with open_input(path, flag) as file, io_errors(f"read {flag} {shown(path)}"):
        status = os.fstat(file.fileno())
        content = file.read(_MAX_KEY_FILE_SIZE + 1)
    if len(content) > _MAX_KEY_FILE_SIZE:
        raise ConfigError(
            f"read {flag} {shown(path)}: it is longer than {_MAX_KEY_FILE_SIZE >> 10} KiB",
            hint="Name a file of keys; the file to work on is the last argument.",
        )
    return content, status


def as_text(content: bytes, path: str, flag: str) -> str:
    """*content* as text. Raises ConfigError naming *flag* and *path*."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"read {flag} {shown(path)}: it is not text", hint="Name a file of keys."
        ) from error


def warn_if_exposed(flag: str, path: str, status: os.stat_result) -> None:
    """Say on stderr that others can read this secret, where they can."""
    from bot.domain.findings import FileStatus, judge_secret_file  # noqa: PLC0415
    from bot.entrypoints.render import warning_line  # noqa: PLC0415

    mode = FileStatus(status.st_mode, status.st_uid, os.geteuid())
    found = judge_secret_file(flag, path, mode)
    if found:
        complain(warning_line(found))
