"""The settings of planned work: when it begins, on which clock, and what missing it means."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from bot.domain.agenda import Plan
from bot.domain.alarms import Limit
from bot.domain.errors import ConfigError
from bot.domain.jobs import JobKind
from bot.domain.schedule import Schedule, parse_schedule
from bot.setting_form import FORM
from bot.settings_update import UpdateSettings

_SWITCH = re.compile(r"(https?://[^\s/?#@]+(/[!-~]*)?)?")


class ScheduleSettings(UpdateSettings):
    """When what begins by itself."""

    backup_schedule: str = Field(
        "30 3 * * *",
        alias="AKBOT_BACKUP_SCHEDULE",
        description="When `akbot run` makes backups: a cron expression of five fields, or `off`.",
    )
    drill_schedule: str = Field(
        "0 5 * * 0",
        alias="AKBOT_DRILL_SCHEDULE",
        description="When `akbot run` proves the newest backup by restoring it: a cron expression"
        " of five fields, or `off`.",
    )
    timezone: str = Field(
        "",
        alias="AKBOT_TIMEZONE",
        description="The time zone of schedules, of the chat and of the days that retention counts,"
        " such as `Europe/Berlin`. Default: the machine's.",
    )
    catch_up_hours: float = Field(
        6,
        alias="AKBOT_CATCH_UP",
        json_schema_extra={FORM: "a number of hours from 1 to 168"},
        ge=1,
        le=168,
        allow_inf_nan=False,
        description="For how many hours after its time planned work that was missed or failed is"
        " still begun, once; after that the next time counts.",
    )
    schedule_delay: float = Field(
        0,
        alias="AKBOT_SCHEDULE_DELAY",
        json_schema_extra={FORM: "a number of minutes from 0 to 720"},
        ge=0,
        le=720,
        allow_inf_nan=False,
        description="By up to how many minutes, as chance has it, planned backups and drills begin"
        " later than planned, so that many hosts do not begin at once.",
    )

    backup_alarm: float | None = Field(
        None,
        alias="AKBOT_BACKUP_ALARM",
        json_schema_extra={FORM: "a number of hours from 0 to 8760"},
        ge=0,
        le=8760,
        allow_inf_nan=False,
        description="After how many hours without a good backup there is an alarm, whatever the"
        " cause; 0 for never. They count from when the newest was begun, and what you set is kept"
        " exactly. Default: 26, or an hour and `AKBOT_SCHEDULE_DELAY` more than the longest gap of"
        " `AKBOT_BACKUP_SCHEDULE`, and in either case as long as the newest took, which the next"
        " may take, too; while the first one is made, twice as many.",
    )
    drill_alarm: float | None = Field(
        None,
        alias="AKBOT_DRILL_ALARM",
        json_schema_extra={FORM: "a number of days from 0 to 365"},
        ge=0,
        le=365,
        allow_inf_nan=False,
        description="After how many days without a drill that passed there is an alarm; 0 for"
        " never. Default: 8, or a day more than the longest gap of `AKBOT_DRILL_SCHEDULE`.",
    )

    heartbeat_url: SecretStr = Field(
        SecretStr(""),
        alias="AKBOT_HEARTBEAT_URL",
        json_schema_extra={FORM: "an http:// or https:// URL"},
        description="A dead man's switch, as healthchecks.io has it, that hears of each backup of"
        " `akbot run`: its beginning, its success, and its failure once it is given up:"
        " after the last try, once `AKBOT_CATCH_UP` is over, or when the next planned one has"
        " failed, too.",
    )
    heartbeat_drill_url: SecretStr = Field(
        SecretStr(""),
        alias="AKBOT_HEARTBEAT_DRILL_URL",
        json_schema_extra={FORM: "an http:// or https:// URL"},
        description="The same for drills.",
    )

    @field_validator("heartbeat_url", "heartbeat_drill_url")
    @classmethod
    def _is_url(cls, value: SecretStr) -> SecretStr:
        if not _is_switch(value.get_secret_value()):
            raise ValueError("it is no URL")
        return value

    @field_validator("backup_schedule", "drill_schedule", "update_check_schedule")
    @classmethod
    def _is_schedule(cls, value: str, info: ValidationInfo) -> str:
        parse_schedule(value, UTC, f"AKBOT_{str(info.field_name).upper()}")
        return value

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        _zone(value)
        return value

    @property
    def zone(self) -> tzinfo:
        """The time zone of schedules and messages."""
        return _zone(self.timezone)

    @property
    def catch_up(self) -> timedelta:
        """For how long planned work is made up for."""
        return timedelta(hours=self.catch_up_hours)

    @property
    def delay(self) -> timedelta:
        """The longest delay of planned jobs."""
        return timedelta(minutes=self.schedule_delay)

    def longest_without_backup(self, now: datetime) -> Limit | None:
        """How long there may be no new good backup; None for any time.

        By default until the next one may begin, as long as it takes, and an hour.
        """
        if self.backup_alarm is not None:
            return Limit(timedelta(hours=self.backup_alarm)) if self.backup_alarm else None
        plan = self.plan_of_backups
        if plan is None:
            return None
        time = max(timedelta(hours=26), plan.longest_gap(now) + self.delay + timedelta(hours=1))
        return Limit(time, plus_work=True)

    def longest_without_drill(self, now: datetime) -> Limit | None:
        """How long no drill may have passed; None for any time."""
        if self.drill_alarm is not None:
            return Limit(timedelta(days=self.drill_alarm)) if self.drill_alarm else None
        plan = self.plan_of_drills
        if plan is None:
            return None
        return Limit(max(timedelta(days=8), plan.longest_gap(now) + timedelta(days=1)))

    @property
    def heartbeats(self) -> dict[JobKind, str]:
        """The dead man's switches, by the kind of job that each hears of."""
        urls = {JobKind.BACKUP: self.heartbeat_url, JobKind.DRILL: self.heartbeat_drill_url}
        return {
            kind: url.get_secret_value() for kind, url in urls.items() if url.get_secret_value()
        }

    @property
    def plan_of_backups(self) -> Schedule | None:
        """When backups are made by themselves; None for never."""
        return parse_schedule(self.backup_schedule, self.zone, "AKBOT_BACKUP_SCHEDULE")

    @property
    def plan_of_drills(self) -> Schedule | None:
        """When the newest backup is drilled by itself; None for never."""
        return parse_schedule(self.drill_schedule, self.zone, "AKBOT_DRILL_SCHEDULE")

    @property
    def plan_of_update_checks(self) -> Schedule | None:
        """When new versions are looked for; None for never."""
        return parse_schedule(self.update_check_schedule, self.zone, "AKBOT_UPDATE_CHECK_SCHEDULE")

    @property
    def plans(self) -> tuple[Plan, ...]:
        """All that begins by itself."""
        checks = self.plan_of_update_checks
        return (
            Plan("backup", "AKBOT_BACKUP_SCHEDULE", self.plan_of_backups, self.delay),
            Plan("drill", "AKBOT_DRILL_SCHEDULE", self.plan_of_drills, self.delay),
            Plan("look for updates", "AKBOT_UPDATE_CHECK_SCHEDULE", checks),
        )


def _is_switch(url: str) -> bool:
    try:
        port = urlsplit(url).port
    except ValueError:  # no number, too large a one, half an IPv6 address
        return False
    return port != 0 and _SWITCH.fullmatch(url) is not None


def _zone(name: str) -> tzinfo:
    """The zone called *name*, or the machine's own, which it keeps across clock changes."""
    try:
        if name:
            return ZoneInfo(name)
        with _LOCAL_TIME.open("rb") as file:
            return ZoneInfo.from_file(file, key="local time")
    except (OSError, ValueError, KeyError) as error:
        if name:
            raise ConfigError(
                f'AKBOT_TIMEZONE: there is no time zone "{name[:60]}"',
                hint="Give its name in the tz database, such as Europe/Berlin or UTC.",
            ) from error
        return UTC


_LOCAL_TIME = Path("/etc/localtime")
