"""The settings that say which backups stay."""

from datetime import tzinfo

from pydantic import Field
from pydantic_settings import BaseSettings

from bot.domain.retention import Policy
from bot.setting_form import FORM

_MOST = 100_000
_PERIODS = f"a whole number from 0 to {_MOST}"


class RetentionSettings(BaseSettings):
    """How many backups stay, by age and by the calendar."""

    retention_last: int = Field(
        3,
        alias="AKBOT_RETENTION_LAST",
        ge=1,
        le=_MOST,
        description="How many of the newest good backups stay, whatever their age.",
        json_schema_extra={FORM: f"a whole number from 1 to {_MOST}"},
    )
    retention_daily: int = Field(
        7,
        alias="AKBOT_RETENTION_DAILY",
        ge=0,
        le=_MOST,
        description="Of how many days that have a good backup the newest stays. With `0` for days,"
        " weeks and months alike no backup is ever deleted.",
        json_schema_extra={FORM: _PERIODS},
    )
    retention_weekly: int = Field(
        4,
        alias="AKBOT_RETENTION_WEEKLY",
        ge=0,
        le=_MOST,
        description="Likewise for weeks, which begin on Monday.",
        json_schema_extra={FORM: _PERIODS},
    )
    retention_monthly: int = Field(
        12,
        alias="AKBOT_RETENTION_MONTHLY",
        ge=0,
        le=_MOST,
        description="Likewise for months.",
        json_schema_extra={FORM: _PERIODS},
    )

    def retention(self, zone: tzinfo) -> Policy:
        """Which backups stay, by the calendar of *zone*."""
        return Policy(
            last=self.retention_last,
            daily=self.retention_daily,
            weekly=self.retention_weekly,
            monthly=self.retention_monthly,
            zone=zone,
        )
