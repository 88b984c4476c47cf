"""What a report is made of."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.alarms import Limit
from bot.domain.catalogue import BackupRecord
from bot.domain.drill import DrillReport
from bot.domain.incident_history import PastIncident
from bot.domain.jobs import Job, JobState
from bot.domain.pause import Pause
from bot.domain.schedule import Schedule
from bot.domain.slots import CATCH_UP
from bot.domain.update_outlook import Outlook

NOT_WELL = frozenset({JobState.FAILED, JobState.INTERRUPTED, JobState.ROLLED_BACK})
"""The ends of jobs that are worth a word."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a person has set: *backup_within* None for any time, *drills* None for no schedule.

    *catch_up* is how long a planned backup is tried.
    """

    backup_within: Limit | None = None
    drills: Schedule | None = None
    catch_up: timedelta = CATCH_UP


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known at *now* of the time since *begin*.

    *installed*: nothing was watched before. *jobs* and *records* are all that there are, newest
    first; *silent* says by its name why a store did not answer, "" for the only one. *outlook* is a
    sentence where whether there is an update could not be found out, None where nobody is to be
    asked. Without *serving*, which are services, nobody logs in.
    """

    begin: datetime
    now: datetime
    installed: datetime
    expected: Expected = field(default_factory=Expected)
    serving: Collection[str] = ()
    jobs: Sequence[Job] = ()
    stuck: Sequence[Job] = ()
    incidents: Sequence[PastIncident] = ()
    records: Sequence[BackupRecord] = ()
    silent: Mapping[str, str] = field(default_factory=dict)
    drill: DrillReport | None = None
    outlook: Outlook | str | None = None
    pause: Pause | None = None
