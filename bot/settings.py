"""Every setting: its name, its meaning, its default. `settings_source` reads them."""

import os
import re
from pathlib import Path

from pydantic import Field, JsonValue, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.domain.manifest import STACK_NAME
from bot.domain.stack import Role
from bot.setting_form import FORM
from bot.settings_cure import CureSettings
from bot.settings_database import OutsideSettings
from bot.settings_docker import DockerSettings
from bot.settings_gate import UpdateGateSettings
from bot.settings_keys import KeySettings
from bot.settings_reports import ReportSettings
from bot.settings_retention import RetentionSettings
from bot.settings_watch import WatchSettings

_STATE_OF_ROOT = "/var/lib/akbot"
_HIGHEST_PORT = 65_535

_ONE_WORD: dict[str, JsonValue] = {FORM: "one word of plain letters, digits and signs"}


class Settings(
    ReportSettings,
    KeySettings,
    RetentionSettings,
    UpdateGateSettings,
    WatchSettings,
    DockerSettings,
    OutsideSettings,
    CureSettings,
):
    """All settings; every one may be absent."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    store: str = Field(
        "",
        alias="AKBOT_STORE",
        description="Where backups lie: `s3://bucket/prefix?endpoint=…&region=…` or"
        " `file:///path`. Several, separated by blanks, commas or lines, each get every backup:"
        " `NAME=URL`. Default: the folder `backups` in the state folder.",
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
        json_schema_extra={FORM: "a name of letters, digits, dots, hyphens and underscores"},
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
    health_listen: str = Field(
        "127.0.0.1:9180",
        alias="AKBOT_HEALTH_LISTEN",
        json_schema_extra={FORM: "an address and a port such as 127.0.0.1:9180"},
        pattern=r"^[^\s/:]+:[0-9]{1,5}$",
        description="Address and port on which `akbot run` answers `/healthz`, `/readyz` and"
        " `/metrics`.",
    )
    log_format: str = Field(
        "auto",
        alias="AKBOT_LOG_FORMAT",
        json_schema_extra={FORM: "auto, json or console"},
        pattern="^(auto|json|console)$",
        description="How the lines of the log of `akbot run` look: `json`, an object a line;"
        " `console`, for people; `auto`, for people where it goes to a terminal, else JSON.",
    )
    store_max_parts: int = Field(
        10_000,
        alias="AKBOT_STORE_MAX_PARTS",
        json_schema_extra={FORM: "a whole number from 2 to 10000"},
        ge=2,
        le=10_000,
        description="How many parts an upload may have; some S3 services allow only 1000.",
    )
    store_timeout: float = Field(
        30,
        alias="AKBOT_STORE_TIMEOUT",
        json_schema_extra={FORM: "a number of seconds above 0"},
        gt=0,
        allow_inf_nan=False,
        description="How many seconds an S3 service may take to answer one request.",
    )
    store_outage: float = Field(
        120,
        alias="AKBOT_STORE_OUTAGE",
        json_schema_extra={FORM: "a number of seconds, 0 or more"},
        ge=0,
        allow_inf_nan=False,
        description="How many seconds of an outage of the S3 service a backup sits out.",
    )
    kit_reminder: int = Field(
        180,
        alias="AKBOT_KIT_REMINDER",
        ge=0,
        le=36_500,
        description="After how many days `akbot check` asks whether the recovery kit is still"
        " there; 0 for never.",
        json_schema_extra={FORM: "a whole number of days from 0 to 36500"},
    )
    aws_access_key_id: str = Field(
        "",
        alias="AWS_ACCESS_KEY_ID",
        description="The S3 key's name. Default: boto3's own search.",
        json_schema_extra=_ONE_WORD,
    )
    aws_secret_access_key: SecretStr = Field(
        SecretStr(""),
        alias="AWS_SECRET_ACCESS_KEY",
        description="The S3 key's secret.",
        json_schema_extra=_ONE_WORD,
    )
    aws_session_token: SecretStr = Field(
        SecretStr(""),
        alias="AWS_SESSION_TOKEN",
        description="Of temporary S3 credentials.",
        json_schema_extra=_ONE_WORD,
    )

    @field_validator("health_listen")
    @classmethod
    def _is_port(cls, value: str) -> str:
        if int(value.rpartition(":")[2]) > _HIGHEST_PORT:
            raise ValueError("there is no such port")
        return value

    @field_validator("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    @classmethod
    def _is_one_word(cls, value: str | SecretStr) -> str | SecretStr:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not re.fullmatch(r"[!-~]*", text):
            raise ValueError("it is no single word of ASCII")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values only from `load_settings`, which knows `_FILE` and names mistakes."""
        return (init_settings,)

    @property
    def state_folder(self) -> Path:
        """Where keys and state lie."""
        if self.state:
            return self.state
        return Path(_STATE_OF_ROOT) if os.geteuid() == 0 else self.home / ".local/state/akbot"

    def secrets(self) -> tuple[str, ...]:
        """Every secret that is set, for the log to mask."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return tuple(
            value.get_secret_value()
            for value in values
            if isinstance(value, SecretStr) and value.get_secret_value()
        )

    def service_names(self) -> dict[Role, tuple[str, ...]]:
        """The names that each role's service may have."""
        return {role: (name,) if name else _USUAL_NAMES[role] for role, name in self._named()}

    def named_services(self) -> frozenset[Role]:
        """The roles whose service a person named."""
        return frozenset(role for role, name in self._named() if name)

    def _named(self) -> list[tuple[Role, str]]:
        return [(role, getattr(self, f"service_{role}")) for role in Role]


OF_THE_SHELL = frozenset({"home", "path", "place"})
"""Fields that no person sets for akbot."""
_USUAL_NAMES = {
    Role.POSTGRESQL: ("postgresql",),
    Role.REDIS: ("redis",),
    Role.SERVER: ("authentik", "server"),
    Role.WORKER: ("worker",),
}


def setting_names() -> list[str]:
    """Every name, as it stands in the environment."""
    fields = Settings.model_fields.items()
    return [field.alias or name for name, field in fields if name not in OF_THE_SHELL]
