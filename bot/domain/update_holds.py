"""What holds an update back, and until when: pure decisions over what is remembered."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.jobs import Job, JobState
from bot.domain.versions import Version


@dataclass(frozen=True)
class FirstSeen:
    """When an image was first seen in the registry, by its tag and what the tag means now.

    *at_first_look*: the registry was never asked before, so it may be as old as *made* says; of one
    that came later only what was seen here counts, since a builder may write any date.
    """

    at: datetime
    at_first_look: bool = False

    def since(self, made: datetime | None) -> datetime:
        """From when on its age counts."""
        return min(self.at, made) if made and self.at_first_look else self.at


@dataclass(frozen=True)
class Candidate:
    """An image that the way leads to; *since* is the moment from which on its age counts."""

    version: Version
    digest: str
    since: datetime


@dataclass(frozen=True)
class BadVersion:
    """An image that failed here: this tag with this digest, when, and the sentence that says why.

    Another image under the same tag is another try.
    """

    tag: str
    digest: str
    since: datetime
    reason: str


class HoldKind(StrEnum):
    """Why an update waits."""

    TOO_FRESH = "too fresh"
    FAILED_HERE = "failed here"
    UNSETTLED = "unsettled job"


@dataclass(frozen=True)
class Hold:
    """One reason to wait; *until* None: until a person does what *remedy* says."""

    kind: HoldKind
    words: str
    until: datetime | None = None
    remedy: str = ""


@dataclass(frozen=True)
class Remembered:
    """What is known of before: images that failed, jobs that were given up, security releases."""

    bad: Collection[BadVersion] = ()
    stuck: Sequence[Job] = ()
    security: Collection[Version] = ()


def find_holds(
    way: Sequence[Candidate], known: Remembered, minimum_age: timedelta, now: datetime
) -> tuple[Hold, ...]:
    """Everything that holds the update along *way* back; of the ages only the longest.

    A way that leads to a security release, or over one, waits for no age.
    """
    urgent = any(each.version in known.security for each in way)
    fresh = [] if urgent else [_freshness(each, minimum_age, now) for each in way]
    failed = [_failure(each, one) for each in way for one in known.bad if _is_same(each, one)]
    unsettled = [_unsettled(job) for job in known.stuck if job.state is JobState.STUCK]
    longest = max(
        (each for each in fresh if each), key=lambda hold: hold.until or now, default=None
    )
    return (*unsettled, *failed, *([longest] if longest else []))


def _is_same(candidate: Candidate, bad: BadVersion) -> bool:
    return (str(candidate.version), candidate.digest) == (bad.tag, bad.digest)


def _freshness(candidate: Candidate, minimum_age: timedelta, now: datetime) -> Hold | None:
    ripe = candidate.since + minimum_age
    if not minimum_age or ripe <= now:  # without one, no clock may hold it back
        return None
    return Hold(
        HoldKind.TOO_FRESH,
        f"{candidate.version} is known since {candidate.since:%Y-%m-%d %H:%M} UTC only",
        ripe,
        "Wait, or set AKBOT_UPDATE_MINIMUM_AGE to fewer days.",
    )


def _failure(candidate: Candidate, bad: BadVersion) -> Hold:
    return Hold(
        HoldKind.FAILED_HERE,
        f"{candidate.version} failed here on {bad.since:%Y-%m-%d}: {bad.reason}",
        remedy="Wait for the next patch; this one is not offered by itself again.",
    )


def _unsettled(job: Job) -> Hold:
    return Hold(
        HoldKind.UNSETTLED,
        f"the {job.kind} {job.id} was given up, and a person must look at it: {job.message}",
        remedy=f'Look at the stack, then run "akbot jobs settle {job.id}".',
    )
