"""The settings of the watch over what stands around the containers."""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings

from bot.domain.surroundings_grades import Limits
from bot.setting_form import FORM


class WatchSettings(BaseSettings):
    """How often is looked, and from where on a person should know."""

    watch_every: float = Field(
        60,
        alias="AKBOT_WATCH_EVERY",
        json_schema_extra={FORM: "a number of seconds, 0 or more"},
        ge=0,
        allow_inf_nan=False,
        description="How many seconds `akbot run` waits between two looks around the containers: at"
        " memory, processor, pages and, each fifth time, disks, database, certificate and images;"
        " 0 for never.",
    )
    watch_disk: float = Field(
        90,
        alias="AKBOT_WATCH_DISK",
        json_schema_extra={FORM: "a number of per cent from 1 to 100"},
        ge=1,
        le=100,
        allow_inf_nan=False,
        description="From how many per cent on a disk is nearly full, where it has less than 20 GB"
        " free, too.",
    )
    watch_certificate: float = Field(
        14,
        alias="AKBOT_WATCH_CERTIFICATE",
        json_schema_extra={FORM: "a number of days, 0 or more"},
        ge=0,
        le=3650,
        allow_inf_nan=False,
        description="How many days before it expires a certificate is told of.",
    )

    @property
    def watch_limits(self) -> Limits:
        """From where on a person should know."""
        days = timedelta(days=self.watch_certificate)
        return Limits(disk=self.watch_disk / 100, certificate=days)
