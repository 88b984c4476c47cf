"""`akbot.env`, line by line, so that a mistake in it can be told by its line."""

import errno
import os
import re
from dataclasses import dataclass
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from bot.domain.errors import ConfigError
from bot.domain.findings import FileStatus

_REMEDIES = {
    errno.EISDIR: "Put a file there; Docker makes a folder where one to mount is missing.",
    errno.EACCES: "Give it to the user that the bot runs as, who alone should read it (chmod 600).",
}
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True)
class EnvLine:
    """A name and its *value*, None where no "=" stands after it; *place* names file and line."""

    name: str
    value: str | None
    place: str


def read_env_file(path: Path, *, must_exist: bool) -> tuple[list[EnvLine], FileStatus | None]:
    """Every line that is neither empty nor a comment, and who may read the file, if there is one.

    Raises:
        ConfigError: it cannot be read, or a line of it is neither NAME=VALUE nor a bare name.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            found = os.fstat(file.fileno())
            bindings = list(parse_stream(file))
    except FileNotFoundError as error:
        if must_exist:
            raise ConfigError(
                f'--env-file: there is no file "{path}"', hint="Create it, or correct its path."
            ) from error
        return [], None
    except OSError as error:
        raise _unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f'read "{path}": it is not text', hint="Save it as plain text, in UTF-8."
        ) from error
    lines = [_line(path, each) for each in bindings if each.error or each.key is not None]
    return lines, FileStatus(found.st_mode, found.st_uid, os.geteuid())


def _unreadable(path: Path, error: OSError) -> ConfigError:
    remedy = _REMEDIES.get(error.errno or 0, "Look at the disk that it lies on.")
    return ConfigError(f'read "{path}": {error.strerror}', hint=remedy)


def _line(path: Path, binding: Binding) -> EnvLine:
    text = binding.original.string
    skipped = text[: len(text) - len(text.lstrip())].count("\n")  # blank lines count as its own
    place = f"{path}, line {binding.original.line + skipped}"
    name = _NAME.match(binding.key or "")  # no more of it is ever told: it may be a secret
    if binding.error or (binding.value is not None and not _is_whole(name, binding.key)):
        raise ConfigError(
            f"{place}: it is not NAME=VALUE", hint="Put a value with quotes or blanks into quotes."
        )
    return EnvLine(name[0] if name else "", binding.value, place)


def _is_whole(name: re.Match[str] | None, key: str | None) -> bool:
    return name is not None and name[0] == key
