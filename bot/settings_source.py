"""Where settings come from: the environment and `akbot.env`; nothing else reads the environment.

Each `AKBOT_NAME` may stand as `AKBOT_NAME_FILE` as well, the path of a file that holds the value;
for secrets that is the better way. The standard `AWS_*` variables and DOCKER_HOST are honoured.
"""

import difflib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr, ValidationError

from bot.domain.errors import ConfigError
from bot.domain.findings import FileStatus, Finding, Level, judge_secret_file
from bot.domain.printable import file_name
from bot.env_file import EnvLine, read_env_file
from bot.setting_form import FORM
from bot.settings import Settings, setting_names

PREFIX = "AKBOT_"
_FILE_SUFFIX = "_FILE"
ENV_FILE = "akbot.env"
_OF_AWS = "AWS_"
_STATE = "AKBOT_STATE"
_OF_COMPOSE = {"AKBOT_IMAGE", "AKBOT_PROJECT_DIR"}  # docker-compose.yml's own, from its .env


@dataclass(frozen=True)
class Loaded:
    """The settings, and what a person should know about where they came from."""

    settings: Settings
    warnings: tuple[Finding, ...]


def load_settings(
    environment: Mapping[str, str] | None = None,
    env_file: Path = Path(ENV_FILE),
    *,
    must_exist: bool = False,
) -> Loaded:
    """Read `akbot.env` and then the environment, which goes before it.

    Raises:
        ConfigError: a name that does not exist, a value of the wrong form, a file that cannot be
            read, or, with *must_exist*, no *env_file*.
    """
    environment = os.environ if environment is None else environment
    lines, status = read_env_file(env_file, must_exist=must_exist)
    _refuse_unknown(lines, environment)
    given = {**{line.name: line.value for line in lines if line.value}, **environment}
    _refuse_twice(given)
    warnings = _warn_of_env_file(env_file, status, lines)
    values: dict[str, str] = {}
    for name in [*setting_names(), "HOME", "PATH"]:
        if given.get(name):
            values[name] = _text(name, given[name])
        elif given.get(name + _FILE_SUFFIX):
            path = Path(_text(name + _FILE_SUFFIX, given[name + _FILE_SUFFIX]))
            values[name] = _text(name, _read_value(name, path, warnings))
    settings = _validated({**values, "place": str(env_file.parent)})
    return Loaded(settings, (*warnings, *_doubts(settings)))


def given_settings(environment: Mapping[str, str] | None, env_file: Path | None) -> dict[str, str]:
    """What *env_file* and, before it, the *environment* set that an akbot.env can hold.

    Raises:
        ConfigError: a name that does not exist, or there is no such file.
    """
    environment = os.environ if environment is None else environment
    lines = read_env_file(env_file, must_exist=True)[0] if env_file else []
    _refuse_unknown(lines, environment)
    given = {**{line.name: line.value for line in lines if line.value}, **environment}
    known = [name for name in setting_names() if name.startswith((PREFIX, _OF_AWS))]
    names = [each for name in known for each in (name, name + _FILE_SUFFIX)]
    return {name: given[name] for name in names if given.get(name) and name != _STATE}


def environment_with(given: Mapping[str, str]) -> dict[str, str]:
    """The environment as if *given* stood in it."""
    return {**os.environ, **given}


def values_in(env_file: Path) -> dict[str, str]:
    """What an env file sets; empty where there is none. Raises ConfigError as `load_settings`."""
    lines, _ = read_env_file(env_file, must_exist=False)
    return {line.name: line.value for line in lines if line.value}


def _validated(values: Mapping[str, str]) -> Settings:
    try:
        return Settings(**values)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0])
        raise ConfigError(
            f"{name}: it must be {_form_of(name)}",
            hint="deploy/akbot.env.example shows every setting.",
        ) from None


def _doubts(settings: Settings) -> list[Finding]:
    """What fits no person's wish, and yet is no error."""
    if not settings.telegram_token.get_secret_value() or settings.telegram_admins:
        return []
    if settings.telegram_alerts:
        trouble = "it is empty, so nobody may restore, update or roll back in the chat"
    elif settings.chat_access.people:
        trouble = "it is empty, so nobody hears what fails by itself, and nobody may restore"
    else:
        trouble = "it is empty, so nobody may use the chat that AKBOT_TELEGRAM_TOKEN opens"
    remedy = "Give your user id, a number; @userinfobot tells it."
    return [Finding("AKBOT_TELEGRAM_ADMINS", Level.WARNING, trouble, remedy)]


def _text(name: str, value: str) -> str:
    """*value*, which the system can take: a zero byte ends every text of its own."""
    if "\0" in value:
        raise ConfigError(f"{name}: there is a zero byte in it", hint="Write it as plain text.")
    return value


def _refuse_unknown(lines: Sequence[EnvLine], environment: Iterable[str]) -> None:
    names = setting_names()
    known = {*names, *(name + _FILE_SUFFIX for name in names)}
    for line in lines:
        near = _nearest(line.name, known)
        if line.value is None:
            raise ConfigError(
                f'{line.place}: there is no "=" in it',
                hint=f'Did you mean "{near}=…"?' if near else "Write NAME=VALUE.",
            )
        ours = _is_ours(line.name) or PREFIX + line.name in known
        if ours and line.name not in known | _OF_COMPOSE:
            raise _unknown(f"{line.place}: ", line.name, near)
    for name in environment:
        if _is_ours(name) and name not in known | _OF_COMPOSE:
            raise _unknown("", name, _nearest(name, known))


def _refuse_twice(given: Mapping[str, str]) -> None:
    """Whichever of two values counted, for somebody it would be the wrong one."""
    for name in setting_names():
        if given.get(name) and given.get(name + _FILE_SUFFIX):
            raise ConfigError(
                f"{name} and {name}{_FILE_SUFFIX} are both set", hint="Remove one of them."
            )


def _is_ours(name: str) -> bool:
    return name.upper().startswith(PREFIX)


def _unknown(place: str, name: str, near: str) -> ConfigError:
    return ConfigError(
        f'{place}there is no setting "{name[:60]}"',
        hint=f'Did you mean "{near}"?' if near else "The README lists all settings.",
    )


def _nearest(name: str, known: Iterable[str]) -> str:
    """The name that was meant, "" where none is near; what all share tells nothing."""
    rests = {each.removeprefix(PREFIX): each for each in sorted(known)}
    near = difflib.get_close_matches(name.upper().removeprefix(PREFIX), rests, n=1)
    return rests[near[0]] if near else ""


def _warn_of_env_file(
    path: Path, status: FileStatus | None, lines: Sequence[EnvLine]
) -> list[Finding]:
    held = [line.name for line in lines if line.value and line.name in _secret_names()]
    found = judge_secret_file(path.name, str(path), status) if held and status else None
    return [found] if found else []


def _read_value(name: str, path: Path, warnings: list[Finding]) -> str:
    setting = name + _FILE_SUFFIX
    try:
        with path.open(encoding="utf-8") as file:
            value = file.read().strip()
            status = os.fstat(file.fileno())
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError(
            f"{setting}: read {_named(name, path)}: {reason}",
            hint="Create the file, correct its path, or give it to the user that the bot runs as.",
        ) from error
    if not value:
        raise ConfigError(f'{setting}: "{path}" is empty', hint="Write the value into it.")
    mode = FileStatus(status.st_mode, status.st_uid, os.geteuid())
    if name in _secret_names() and (found := judge_secret_file(setting, str(path), mode)):
        warnings.append(found)
    return value


def _named(name: str, path: Path) -> str:
    """The file; a secret that was given for its own file is not repeated."""
    is_path = path.is_absolute() or (len(path.parts) > 1 and path.parent.is_dir())
    return file_name(str(path)) if is_path or name not in _secret_names() else "that file"


def _secret_names() -> frozenset[str]:
    fields = Settings.model_fields.values()
    return frozenset(field.alias or "" for field in fields if field.annotation is SecretStr)


def _form_of(name: str) -> str:
    extras = (
        each.json_schema_extra for each in Settings.model_fields.values() if each.alias == name
    )
    return str(next(extra[FORM] for extra in extras if isinstance(extra, dict)))
