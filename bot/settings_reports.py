"""The settings of what the chat tells by the calendar: the report of a week, the line of a day."""

from datetime import UTC
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from bot.domain.agenda import Plan
from bot.domain.schedule import Schedule, parse_schedule
from bot.setting_form import FORM
from bot.settings_chat import ChatSettings
from bot.settings_schedule import ScheduleSettings


class ReportSettings(ChatSettings, ScheduleSettings):
    """When reports come; without a chat there is nobody to whom."""

    report_schedule: str = Field(
        "0 8 * * 1",
        alias="AKBOT_REPORT_SCHEDULE",
        description="When admins get the report of the last seven days in the chat, with a picture:"
        " a cron expression of five fields, or `off`.",
    )
    daily_report_schedule: str = Field(
        "0 8 * * *",
        alias="AKBOT_DAILY_REPORT_SCHEDULE",
        description="When admins get a line about the last day, unless the report comes then: a"
        " cron expression of five fields, or `off`.",
    )
    daily_report: Literal["always", "trouble"] = Field(
        "always",
        alias="AKBOT_DAILY_REPORT",
        json_schema_extra={FORM: "always or trouble"},
        description="Whether that line also comes where all is well, without ringing (`always`), or"
        " only where something happened or is to be done (`trouble`).",
    )

    @field_validator("report_schedule", "daily_report_schedule")
    @classmethod
    def _is_plan(cls, value: str, info: ValidationInfo) -> str:
        parse_schedule(value, UTC, f"AKBOT_{str(info.field_name).upper()}")
        return value

    @property
    def plan_of_reports(self) -> Schedule | None:
        """When the report of a week is told; None for never."""
        return self._plan_of(self.report_schedule, "AKBOT_REPORT_SCHEDULE")

    @property
    def plan_of_daily_reports(self) -> Schedule | None:
        """When the line of a day is told; None for never."""
        return self._plan_of(self.daily_report_schedule, "AKBOT_DAILY_REPORT_SCHEDULE")

    def _plan_of(self, expression: str, setting: str) -> Schedule | None:
        has_chat = bool(self.telegram_token.get_secret_value())
        return parse_schedule(expression, self.zone, setting) if has_chat else None

    @property
    def plans(self) -> tuple[Plan, ...]:
        """All that begins by itself."""
        if not self.telegram_token.get_secret_value():
            return super().plans
        return (
            *super().plans,
            Plan("report", "AKBOT_REPORT_SCHEDULE", self.plan_of_reports),
            Plan("daily line", "AKBOT_DAILY_REPORT_SCHEDULE", self.plan_of_daily_reports),
        )
