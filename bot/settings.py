"""Every setting, from the environment and `akbot.env`; nothing else reads the environment.

Each `AKBOT_NAME` may stand as `AKBOT_NAME_FILE` as well, the path of a file that holds the value;
for secrets that is the better way. The standard `AWS_*` variables and DOCKER_HOST are honoured.
"""

import difflib
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from bot.domain.errors import ConfigError
from bot.domain.manifest import STACK_NAME
from bot.domain.stack import Role

PREFIX = "AKBOT_"
_FILE_SUFFIX = "_FILE"
ENV_FILE = "akbot.env"
_STATE_OF_ROOT = "/var/lib/akbot"

Names = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """All settings; every one may be absent."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    store: str = Field(
        "",
        alias="AKBOT_STORE",
        description="Where backups lie: `s3://bucket/prefix?endpoint=…&region=…` or"
        " `file:///path`. Default: the folder `backups` in the state folder.",
    )
    recipients: Names = Field(
        (),
        alias="AKBOT_RECIPIENTS",
        description="Public keys that backups are sealed for, `age1…`, separated by commas or"
        " spaces. Default: that of the identity file.",
    )
    identity_file: Path | None = Field(
        None,
        alias="AKBOT_IDENTITY_FILE",
        description="The private key, as `akbot keygen` writes it. Default, where no recipients"
        " are set: `identity.txt` in the state folder, made on first use.",
    )
    trusted_keys: Names = Field(
        (),
        alias="AKBOT_TRUSTED_KEYS",
        description="Signing public keys of other hosts whose backups count here, `ed25519:…`,"
        " separated by commas or spaces. Default: this host's own alone.",
    )
    state: Path | None = Field(
        None,
        alias="AKBOT_STATE",
        description="The folder for keys and state. Default: `/var/lib/akbot`, or"
        " `~/.local/state/akbot` for another user than root.",
    )
    stack: str = Field(
        "",
        alias="AKBOT_STACK",
        pattern=f"^({STACK_NAME})?$",
        description="The stack's folder in the store. Default: the Compose project's name.",
    )
    project: str = Field(
        "",
        alias="AKBOT_PROJECT",
        description="The Compose project that holds Authentik. Default: the only one that does.",
    )
    service_postgresql: str = Field(
        "",
        alias="AKBOT_SERVICE_POSTGRESQL",
        description="PostgreSQL's service. Default: `postgresql`.",
    )
    service_redis: str = Field(
        "",
        alias="AKBOT_SERVICE_REDIS",
        description="Redis' service. Default: `redis`, if there is one.",
    )
    service_server: str = Field(
        "",
        alias="AKBOT_SERVICE_SERVER",
        description="Authentik's server. Default: `authentik` or `server`.",
    )
    service_worker: str = Field(
        "", alias="AKBOT_SERVICE_WORKER", description="Authentik's worker. Default: `worker`."
    )
    store_max_parts: int = Field(
        10_000,
        alias="AKBOT_STORE_MAX_PARTS",
        ge=2,
        le=10_000,
        description="How many parts an upload may have; some S3 services allow only 1000.",
    )
    docker_host: str = Field(
        "unix:///var/run/docker.sock",
        alias="DOCKER_HOST",
        description="The Docker Engine's address.",
    )
    aws_access_key_id: str = Field(
        "", alias="AWS_ACCESS_KEY_ID", description="The S3 key's name. Default: boto3's own search."
    )
    aws_secret_access_key: SecretStr = Field(
        SecretStr(""), alias="AWS_SECRET_ACCESS_KEY", description="The S3 key's secret."
    )
    aws_session_token: SecretStr = Field(
        SecretStr(""), alias="AWS_SESSION_TOKEN", description="Of temporary S3 credentials."
    )
    home: Path = Field(Path("/"), alias="HOME", description="Whose state folder it is.")

    @field_validator("recipients", "trusted_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            tuple(re.split(r"[,\s]+", value.strip(", \n\t"))) if isinstance(value, str) else value
        )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values only from `load_settings`, which knows `_FILE` and names every mistake."""
        return (init_settings,)

    @property
    def state_folder(self) -> Path:
        """Where keys and state lie."""
        if self.state:
            return self.state
        return Path(_STATE_OF_ROOT) if os.geteuid() == 0 else self.home / ".local/state/akbot"

    def service_names(self) -> dict[Role, tuple[str, ...]]:
        """The names that each role's service may have."""
        return {role: (name,) if name else _USUAL_NAMES[role] for role, name in self._named()}

    def named_services(self) -> frozenset[Role]:
        """The roles whose service a person named."""
        return frozenset(role for role, name in self._named() if name)

    def _named(self) -> list[tuple[Role, str]]:
        return [(role, getattr(self, f"service_{role}")) for role in Role]


_USUAL_NAMES = {
    Role.POSTGRESQL: ("postgresql",),
    Role.REDIS: ("redis",),
    Role.SERVER: ("authentik", "server"),
    Role.WORKER: ("worker",),
}


@dataclass(frozen=True)
class Loaded:
    """The settings, and what a person should know about where they came from."""

    settings: Settings
    warnings: tuple[str, ...]


def setting_names() -> list[str]:
    """Every name, as it stands in the environment."""
    return [field.alias or name for name, field in Settings.model_fields.items() if name != "home"]


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
        if name.startswith(PREFIX) and name not in known:
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
