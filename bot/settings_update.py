"""The settings of updates: whom to ask for new versions, and how old one must be."""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings

from bot.setting_form import FORM

_URL = r"^(https?://[^\s/?#@]+)?/?$"
_FEED = r"^(off|https://[^\s?#@]+|http://(127\.0\.0\.1|localhost)(:\d+)?/[^\s?#@]*)$"
_OFF = "off"


class UpdateSettings(BaseSettings):
    """Where versions come from."""

    registry_endpoint: str = Field(
        "",
        alias="AKBOT_REGISTRY_ENDPOINT",
        json_schema_extra={FORM: "a URL such as https://mirror.example.org, with no path"},
        pattern=_URL,
        description="Another address at which the image registry is asked, for a mirror; names of"
        " images stay as they are. Default: the registry that the image's name says.",
    )
    release_feed: str = Field(
        "https://version.goauthentik.io/version.json",
        alias="AKBOT_RELEASE_FEED",
        json_schema_extra={FORM: "an https:// URL, or off"},
        pattern=_FEED,
        description="Where Authentik tells why its newest release was made, for security releases;"
        " `off` to ask nobody.",
    )
    update_minimum_age: float = Field(
        3,
        alias="AKBOT_UPDATE_MINIMUM_AGE",
        json_schema_extra={FORM: "a number of days from 0 to 365"},
        ge=0,
        le=365,
        allow_inf_nan=False,
        description="How many days a version must be known here before it is offered; a security"
        " release is offered at once.",
    )

    update_check_schedule: str = Field(
        "0 9 * * *",
        alias="AKBOT_UPDATE_CHECK_SCHEDULE",
        description="When `akbot run` looks for a new version and tells of it, each once: a cron"
        " expression of five fields, or `off`. Nothing updates by itself.",
    )
    rehearsal_stable: float = Field(
        30,
        alias="AKBOT_REHEARSAL_STABLE",
        json_schema_extra={FORM: "a number of seconds, 0 or more"},
        ge=0,
        allow_inf_nan=False,
        description="For how many seconds a version must hold on a copy of the database before an"
        " update to it begins.",
    )

    snapshot_keep: float = Field(
        24,
        alias="AKBOT_SNAPSHOT_KEEP",
        json_schema_extra={FORM: "a number of hours from 1 to 8760"},
        ge=1,
        le=8760,
        allow_inf_nan=False,
        description="Hours for which the database, files and image from before an update or a"
        " restore are kept for the way back; longer where no newer backup is good.",
    )

    @property
    def kept_for(self) -> timedelta:
        """How long the way back is kept at least."""
        return timedelta(hours=self.snapshot_keep)

    @property
    def feed_url(self) -> str:
        """The feed's address, "" for none."""
        return "" if self.release_feed == _OFF else self.release_feed

    @property
    def minimum_age(self) -> timedelta:
        """How long a version must be known."""
        return timedelta(days=self.update_minimum_age)
