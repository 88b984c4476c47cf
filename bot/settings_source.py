"""Where settings come from: the environment and `akbot.env`; nothing else reads the environment.

Each `AKBOT_NAME` may stand as `AKBOT_NAME_FILE` as well, the path of a file that holds the value;
for secrets that is the better way. The standard `AWS_*` variables and DOCKER_HOST are honoured.
"""

import difflib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values
from pydantic import ValidationError

from bot.domain.errors import ConfigError
from bot.settings import Settings, setting_names

PREFIX = "AKBOT_"
_FILE_SUFFIX = "_FILE"
ENV_FILE = "akbot.env"
_OF_COMPOSE = {"AKBOT_IMAGE", "AKBOT_PROJECT_DIR"}  # docker-compose.yml's own, from its .env


@dataclass(frozen=True)
class Loaded:
    """The settings, and what a person should know about where they came from."""

    settings: Settings
    warnings: tuple[str, ...]


def load_settings(
    environment: Mapping[str, str] | None = None, env_file: Path = Path(ENV_FILE)
) -> Loaded:
    """Read `akbot.env` and then the environment, which goes before it.

    Raises:
        ConfigError: a name that does not exist, a value of the wrong form, a secret's file that
            cannot be read.
    """
    environment = os.environ if environment is None else environment
    from_file = _read_env_file(env_file)
    _refuse_unknown(from_file, environment)
    warnings: list[str] = []
    given = {**from_file, **environment}
    values: dict[str, str] = {}
    for name in [*setting_names(), "HOME"]:
        if given.get(name):
            values[name] = given[name]
        elif given.get(name + _FILE_SUFFIX):
            values[name] = _read_secret(
                name + _FILE_SUFFIX, Path(given[name + _FILE_SUFFIX]), warnings
            )
    try:
        return Loaded(Settings(**values), tuple(warnings))  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise ConfigError(
            f"{first['loc'][0]}: {first['msg'].lower()}",
            hint="deploy/akbot.env.example shows every setting.",
        ) from None


def _read_env_file(path: Path) -> dict[str, str]:
    try:
        with path.open() as lines:
            return {k: v for k, v in dotenv_values(stream=lines, interpolate=False).items() if v}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(f'read "{path}": {error}') from error


def _refuse_unknown(from_file: Mapping[str, str], environment: Mapping[str, str]) -> None:
    names = setting_names()
    known = {*names, *(name + _FILE_SUFFIX for name in names)}
    for name in (*from_file, *environment):
        if name.startswith(PREFIX) and name not in known | _OF_COMPOSE:
            rests = {each.removeprefix(PREFIX): each for each in sorted(known)}
            near = difflib.get_close_matches(name.removeprefix(PREFIX), rests, n=1)
            raise ConfigError(
                f'there is no setting "{name}"',
                hint=f'Did you mean "{rests[near[0]]}"?'
                if near
                else "The README lists all settings.",
            )
    for name in from_file:
        if PREFIX + name in known:
            raise ConfigError(
                f'there is no setting "{name}"', hint=f'Did you mean "{PREFIX}{name}"?'
            )


def _read_secret(setting: str, path: Path, warnings: list[str]) -> str:
    try:
        value = path.read_text().strip()
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError(
            f'{setting}: read "{path}": {reason}', hint="Create the file, or correct its path."
        ) from error
    if mode & stat.S_IROTH:
        warnings.append(
            f'{setting}: everybody on this host can read "{path}"; run: chmod 600 {path}'
        )
    if not value:
        raise ConfigError(f'{setting}: "{path}" is empty', hint="Write the value into it.")
    return value
