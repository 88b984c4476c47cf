"""The images that akbot knows of: those that ran when its newest job made or moved the stack.

A container whose image is another one than the known was changed by somebody else. It counts as
known once a job of akbot has put an image in place, or has backed up all of what runs now.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.domain.jobs import PARTIAL, TAKE_SERVER_AWAY, Job, JobKind, JobState
from bot.domain.surroundings import ImageInUse


@dataclass(frozen=True)
class KnownImages:
    """Name and id by service, as they were *at* that moment."""

    at: datetime
    images: Mapping[str, tuple[str, str]]

    def change_of(self, image: ImageInUse) -> str:
        """What is another than known, in words; "" for nothing."""
        name, image_id = self.images.get(image.service, (image.name, image.id))
        if image_id == image.id:
            return ""
        return f"it was {name} ({short(image_id)}) and is {image.name} ({short(image.id)})"


def short(image_id: str) -> str:
    """An image's id as people know it."""
    return image_id.removeprefix("sha256:")[:12]


def settle(
    known: KnownImages | None, seen: Sequence[ImageInUse], jobs: Sequence[Job], now: datetime
) -> KnownImages:
    """What is known after *seen*, with the newest *jobs*.

    Of what a clock that was ahead has dated, the known counts from now on, and a job vouches for
    nothing: it would for everything until that date.
    """
    known = known and replace(known, at=min(known.at, now))
    jobs = [job for job in jobs if max(job.started, job.ended or job.started) <= now]
    images = {each.service: (each.name, each.id) for each in seen}
    if known is None or any(_vouches(job, known.at) for job in jobs):
        return KnownImages(now, {**(known.images if known else {}), **images})
    return replace(known, images={**images, **known.images})


def _vouches(job: Job, since: datetime) -> bool:
    """Whether *job* knows of all that was changed *since*, so that nobody else did it unseen."""
    if job.kind is JobKind.BACKUP:
        return job.state is JobState.DONE and PARTIAL not in job.plan and job.started > since
    return job.kind in TAKE_SERVER_AWAY and job.ended is not None and job.ended > since


def format_images(known: KnownImages) -> bytes:
    """What stands in the file."""
    document = {"at": known.at.isoformat(), "images": known.images}
    return json.dumps(document).encode() + b"\n"


def parse_images(data: bytes) -> KnownImages:
    """Read the file. Raises ValueError where it is none."""
    try:
        document = json.loads(data)
        at = datetime.fromisoformat(document["at"]).astimezone(UTC)
        images = {
            str(service): (str(name), str(image_id))
            for service, (name, image_id) in document["images"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("it is not what akbot writes") from error
    return KnownImages(at, images)
