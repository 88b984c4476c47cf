"""When nobody could log in, by jobs and by incidents: each moment counts once. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.downtime import away_between
from bot.domain.incident_history import PastIncident
from bot.domain.jobs import Job, JobState


@dataclass(frozen=True)
class Away:
    """Nobody could log in from *begin* to *end*; *bad* unless a job did it that went well."""

    begin: datetime
    end: datetime
    cause: str
    bad: bool = False


def away_in_jobs(jobs: Iterable[Job]) -> list[Away]:
    """Because of jobs that took the server away."""
    found: list[Away] = []
    for job in jobs:
        if between := away_between(job):
            failed = job.state is not JobState.DONE
            found.append(Away(*between, f"{job.kind}{' failed' if failed else ''}", failed))
    return found


def away_in_incidents(
    incidents: Iterable[PastIncident], serving: Collection[str], now: datetime
) -> list[Away]:
    """Because something was wrong with one of *serving*, without whom nobody logs in.

    Where one of several containers of a service is down, others may serve: the ready check tells.
    One that was alone when it went down counts to its end.
    """
    return [
        Away(
            begin=each.incident.began,
            end=min(each.ended or now, now),
            cause=f"{each.incident.root} {each.incident.trouble}",
            bad=True,
        )
        for each in incidents
        if not {each.incident.name, *each.incident.members}.isdisjoint(serving)
    ]


def outages(spans: Iterable[Away]) -> list[Away]:
    """Those that touch as one, by the cause that was first; the oldest first."""
    found: list[Away] = []
    for each in sorted(spans, key=lambda span: (span.begin, span.end)):
        if found and each.begin <= found[-1].end:
            last = found[-1]
            found[-1] = replace(last, end=max(last.end, each.end), bad=last.bad or each.bad)
        else:
            found.append(each)
    return found


def time_away(spans: Sequence[Away], begin: datetime, now: datetime) -> timedelta:
    """How long that was, in all, between *begin* and *now*."""
    lasted = (min(each.end, now) - max(each.begin, begin) for each in outages(spans))
    return sum((max(each, timedelta()) for each in lasted), timedelta())
