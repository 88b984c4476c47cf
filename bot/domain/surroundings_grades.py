"""How good each reading of the surroundings is. Pure.

What is bad and what is well lie apart, so that a value that moves about a limit is not told each
time it crosses it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from bot.domain import surroundings_subjects as subjects
from bot.domain.incident import Trouble
from bot.domain.known_images import KnownImages, short
from bot.domain.surroundings import (
    Certificate,
    Connections,
    DiskRoom,
    Heartbeat,
    ImageInUse,
    Page,
    Surroundings,
    Usage,
)

_GB = 1e9


class Grade(Enum):
    """BETWEEN: as it was before."""

    WELL = "well"
    BETWEEN = "between"
    BAD = "bad"


@dataclass(frozen=True)
class Graded:
    """What one reading means for *subject*; *trouble* is what it would be in, were it bad.

    *place*: of a page.
    """

    subject: str
    trouble: Trouble
    grade: Grade
    detail: str = ""
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """From where on somebody should know; *certificate*: before it expires.

    A large disk that is nearly full has room for years: *room* in bytes is enough whatever its
    share is.
    """

    disk: float = 0.9
    room: int = 20_000_000_000
    certificate: timedelta = timedelta(days=14)
    memory: float = 0.95
    cpu: float = 0.95
    connections: float = 0.9
    silence: timedelta = timedelta(minutes=10)


def grades(
    seen: Surroundings, known: KnownImages | None, limits: Limits, now: datetime
) -> Iterator[Graded]:
    """Of everything in *seen*."""
    for each in seen.usage or ():
        yield from _usage(each, limits)
    for disk in seen.disks or ():
        yield _disk(disk, limits)
    if seen.connections:
        yield _connections(seen.connections, limits)
    if seen.heartbeat:
        yield _heartbeat(seen.heartbeat, limits)
    if seen.ready:
        yield _page(subjects.ready_check(seen.ready.place), Trouble.NOT_READY, seen.ready)
    if seen.public:
        yield _page(subjects.PUBLIC_URL, Trouble.UNREACHABLE, seen.public)
    if seen.certificate:
        yield _certificate(seen.certificate, limits, now)
    for image in seen.images or ():
        yield _wanted(image)
        if known:
            yield _changed(image, known)


def kinds_in(seen: Surroundings) -> frozenset[Trouble]:
    """All that is known of, bad or not."""
    kinds = {
        Trouble.MEMORY: seen.usage,
        Trouble.CPU: seen.usage,
        Trouble.DISK: seen.disks,
        Trouble.CONNECTIONS: seen.connections,
        Trouble.SILENT: seen.heartbeat,
        Trouble.NOT_READY: seen.ready,
        Trouble.UNREACHABLE: seen.public,
        Trouble.CERTIFICATE: seen.certificate,
        Trouble.DRIFT: seen.images,
        Trouble.IMAGE: seen.images,
    }
    return frozenset(kind for kind, reading in kinds.items() if reading is not None)


def _usage(usage: Usage, limits: Limits) -> Iterator[Graded]:
    if usage.memory_limit:
        share = usage.memory / usage.memory_limit
        yield Graded(
            subjects.memory(usage.service),
            Trouble.MEMORY,
            _grade(share, limits.memory, limits.memory - 0.05),
            f"{_gb(usage.memory)} of {_gb(usage.memory_limit)}",
        )
    if usage.cpu_limit:
        yield _cpu(usage.service, usage.cpu, usage.cpu_limit, limits)


def _cpu(service: str, cores: float | None, most: float, limits: Limits) -> Graded:
    """Without a figure yet, it is there all the same: nothing is over."""
    subject = subjects.cpu(service)
    if cores is None:
        return Graded(subject, Trouble.CPU, Grade.BETWEEN)
    grade = _grade(cores / most, limits.cpu, limits.cpu - 0.1)
    return Graded(subject, Trouble.CPU, grade, f"{cores:.1f} of {most:g} cores")


def _disk(disk: DiskRoom, limits: Limits) -> Graded:
    grade = _grade(disk.share, limits.disk, limits.disk - 0.02)
    if disk.free >= limits.room and grade is Grade.BAD:
        grade = Grade.BETWEEN if disk.free < 1.1 * limits.room else Grade.WELL
    words = f"{disk.share:.0%} used, {_gb(disk.free)} free"
    return Graded(subjects.disk(disk.place), Trouble.DISK, grade, words)


def _connections(seen: Connections, limits: Limits) -> Graded:
    share = seen.used / seen.most if seen.most else 1.0
    words = f"{seen.used} of {seen.most} are in use" if seen.most else "it takes no more sessions"
    grade = _grade(share, limits.connections, limits.connections - 0.1)
    return Graded(subjects.connections(seen.service), Trouble.CONNECTIONS, grade, words)


def _heartbeat(seen: Heartbeat, limits: Limits) -> Graded:
    silence = seen.silence or timedelta()
    if silence >= limits.silence:
        grade = Grade.BAD
    else:
        grade = Grade.BETWEEN if silence >= limits.silence / 5 else Grade.WELL
    minutes = f"it has not reported for {silence.total_seconds() / 60:.0f} min"
    return Graded(subjects.heartbeat(seen.service), Trouble.SILENT, grade, minutes)


_ANSWERS = frozenset({401, 403, 429})  # somebody in front of it does not like a robot


def _page(subject: str, trouble: Trouble, page: Page) -> Graded:
    status = page.status
    if status is not None and (status < 400 or status in _ANSWERS):  # noqa: PLR2004 - an error's
        return Graded(subject, trouble, Grade.WELL, place=page.place)
    words = page.why or "it does not answer" if status is None else f"it answers {status}"
    return Graded(subject, trouble, Grade.BAD, words, page.place)


def _certificate(seen: Certificate, limits: Limits, now: datetime) -> Graded:
    left = seen.expires - now
    grade = Grade.BAD if left < limits.certificate else Grade.WELL
    day = f"{seen.expires:%Y-%m-%d %H:%M} UTC"
    words = f"it expires at {day}" if left > timedelta() else f"it has expired at {day}"
    return Graded(subjects.certificate(seen.place), Trouble.CERTIFICATE, grade, words)


def _changed(image: ImageInUse, known: KnownImages) -> Graded:
    change = known.change_of(image)
    grade = Grade.BAD if change else Grade.WELL
    words = f"{change}, which no job of akbot did"
    return Graded(subjects.image(image.service), Trouble.IMAGE, grade, words)


def _wanted(image: ImageInUse) -> Graded:
    subject = subjects.wanted_image(image.service)
    if image.wanted != image.name:
        words = f"{image.name} runs, the next “docker compose up -d” would start {image.wanted}"
        return Graded(subject, Trouble.DRIFT, Grade.BAD, words)
    if image.wanted_id is not None and image.wanted_id != image.id:
        words = (
            f"{short(image.id)} runs, but {image.name} is {short(image.wanted_id)} on this host,"
            " which the next “docker compose up -d” would start"
        )
        return Graded(subject, Trouble.DRIFT, Grade.BAD, words)
    return Graded(subject, Trouble.DRIFT, Grade.WELL)


def _grade(share: float, bad: float, well: float) -> Grade:
    if share >= bad:
        return Grade.BAD
    return Grade.WELL if share < well else Grade.BETWEEN


def _gb(count: float) -> str:
    return f"{count / _GB:.1f} GB"
