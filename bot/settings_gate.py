"""The settings of an update's gate: what a person wants to hold besides what always must."""

import re
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from bot.domain.errors import ConfigError
from bot.domain.site_checks import LOGIN_SLUG, LoginAccount, SiteChecks
from bot.domain.update_gate import Patience
from bot.setting_form import FORM
from bot.settings_docker import GateSettings

_PAGE = r"https?://[^\s/?#@]+(/[^\s#]*)?"
_SITE = r"^(https?://[^\s/?#@]+(/[^\s?#]*)?)?$"


class UpdateGateSettings(GateSettings):
    """Where people log in, and with which account a login is tried."""

    gate_ask: float = Field(
        600,
        alias="AKBOT_GATE_ASK",
        json_schema_extra={FORM: "a number of seconds, 0 or more"},
        ge=0,
        allow_inf_nan=False,
        description="For how many seconds an update waits for a person's answer where all holds but"
        " the public URL; then it is rolled back.",
    )
    public_url: str = Field(
        "",
        alias="AKBOT_PUBLIC_URL",
        json_schema_extra={FORM: "a URL such as https://auth.example.org"},
        pattern=_SITE,
        description="The address at which people log in, such as `https://auth.example.org`. Where"
        " its login page came before an update, it is looked at after it.",
    )
    gate_urls: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        alias="AKBOT_GATE_URLS",
        json_schema_extra={FORM: "URLs with http:// or https://, separated by commas or blanks"},
        description="More URLs that must answer after an update as they did before, separated by"
        " commas or blanks.",
    )
    gate_login_slug: str = Field(
        LOGIN_SLUG,
        alias="AKBOT_GATE_LOGIN_SLUG",
        json_schema_extra={FORM: "a flow's slug of letters, digits, hyphens and underscores"},
        pattern=r"^[A-Za-z0-9_-]+$",
        description="The slug of the flow with which people log in.",
    )
    gate_login_user: str = Field(
        "",
        alias="AKBOT_GATE_LOGIN_USER",
        description="A test account without a second factor and without any rights: an update holds"
        " only if it can log in. The one check that notices code which does not fit its database.",
    )
    gate_login_password: SecretStr = Field(
        SecretStr(""), alias="AKBOT_GATE_LOGIN_PASSWORD", description="Its password."
    )

    @field_validator("gate_urls", mode="before")
    @classmethod
    def _as_urls(cls, value: object) -> object:
        return (
            tuple(re.split(r"[,\s]+", value.strip(", \n\t"))) if isinstance(value, str) else value
        )

    @field_validator("gate_urls")
    @classmethod
    def _are_urls(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            if not re.fullmatch(_PAGE, each):
                raise ValueError("there is one among them that is no URL")
            _require_host(each)
        return value

    @field_validator("public_url")
    @classmethod
    def _has_host(cls, value: str) -> str:
        if value:
            _require_host(value)
        return value

    @model_validator(mode="after")
    def _is_whole_account(self) -> Self:
        if bool(self.gate_login_user) != bool(self.gate_login_password.get_secret_value()):
            raise ConfigError(
                "AKBOT_GATE_LOGIN_USER and AKBOT_GATE_LOGIN_PASSWORD: only one of them is set",
                hint="Set both, or neither for no test login.",
            )
        return self

    @property
    def update_patience(self) -> Patience:
        """For how long all must hold after an update, and how long that may take."""
        return Patience(stable=self.gate_stable, timeout=self.gate_timeout)

    @property
    def site_checks(self) -> SiteChecks:
        """What must hold besides."""
        user, password = self.gate_login_user, self.gate_login_password
        account = LoginAccount(user=user, password=password) if user else None
        return SiteChecks(
            slug=self.gate_login_slug,
            public_url=self.public_url,
            urls=self.gate_urls,
            account=account,
        )


def _require_host(url: str) -> None:
    """Raises ValueError where there is none, where brackets do not match, or no such port."""
    found = urlsplit(url)
    if not found.hostname or found.port == 0:
        raise ValueError("there is no host in it")
