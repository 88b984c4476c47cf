"""What the daemon begins by itself at its times, built: backups and drills, looks and reports."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bot.app import App
from bot.domain.alarms import Hindrance
from bot.domain.jobs import JobKind, Trigger
from bot.domain.messages import Command, RunBackup, RunDrill
from bot.domain.schedule import Schedule
from bot.domain.update_news import News
from bot.entrypoints.calendar import Calendar
from bot.entrypoints.held_back import HeldBack
from bot.entrypoints.scheduler import Rounds, Scheduler
from bot.services.pulse import Pulse
from bot.services.runner import JobRunner

if TYPE_CHECKING:
    from bot.entrypoints.telegram.chat import Chat

SLOW = 3600.0  # seconds that a round may take which waits for outsiders

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Timetable:
    """By the plans in the settings of *app*, which count from *since* on."""

    app: App
    runner: JobRunner
    chat: "Chat | None"
    held_back: HeldBack
    pulse: Pulse
    troubles: dict[str, str]
    hindrances: dict[JobKind, Hindrance]
    since: datetime

    def schedulers(self) -> list[Scheduler]:
        """Those of the jobs."""
        settings, clock = self.app.settings, self.app.clock
        plans: list[tuple[Schedule | None, type[Command]]] = [
            (settings.plan_of_backups, RunBackup),
            (settings.plan_of_drills, RunDrill),
        ]
        return [
            Scheduler(
                new.kind,
                plan,
                _of_schedule(new),
                self.runner,
                clock,
                self.since,
                self.troubles,
                settings.catch_up,
                settings.delay,
                is_held=self.held_back.is_planned,
                # what an earlier process left is settled first, which has a time of its own
                beat=self.pulse.of(
                    f"the schedule of the {new.kind}", SLOW, self.app.jobs.settling.locked
                ),
                hindrances=self.hindrances,
            )
            for plan, new in plans
            if plan
        ]

    def rounds(self) -> list[Rounds]:
        """Those of what is no job."""
        settings, clock = self.app.settings, self.app.clock
        watch = self.app.updates.watch(self.chat.tell_news if self.chat else _log_news)
        plans = [("look for new versions", settings.plan_of_update_checks, watch.look)]
        if self.chat:
            weekly, daily = settings.plan_of_reports, settings.plan_of_daily_reports
            only_trouble = settings.daily_report == "trouble"
            reports = Calendar(
                self.chat.reports, weekly, daily, clock, settings.catch_up, only_trouble
            )
            plans += [("report", weekly, reports.week)]
            plans += [("daily line", daily, reports.day)]
        is_held = self.held_back.is_planned
        return [
            Rounds(
                name,
                plan,
                look,
                clock,
                self.since,
                settings.catch_up,
                is_held,
                self.pulse.of(f"the {name}", SLOW),
            )
            for name, plan, look in plans
            if plan
        ]


def _of_schedule(new: type[Command]) -> Callable[[datetime], Command]:
    return lambda slot: new(trigger=Trigger.SCHEDULE, actor="schedule", slot=slot)


async def _log_news(news: News) -> None:
    """Without a chat the log is all that there is."""
    logger.warning("%s", news.words)
