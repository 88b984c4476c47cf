"""`akbot update --check` and `--why`: the way to a newer version, and what holds it back.

Nothing of the stack is touched; what is new in the registry is remembered with the moment at which
it was first seen.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.errors import BotError, RefusedError
from bot.domain.image_name import ImageName, parse_image_name
from bot.domain.registry_answers import Platform, RegistryImage
from bot.domain.release_feed import Reason
from bot.domain.update_holds import BadVersion, Candidate, Remembered, find_holds
from bot.domain.update_outlook import HopOutlook, Outlook, Target
from bot.domain.upgrade_path import Hop, Offer, newer_patch, newest, plan_path, sensible_targets
from bot.domain.versions import Version, parse_target, read_tag, releases
from bot.services.journal_ports import JobJournal
from bot.services.ports import Clock, Engine
from bot.services.update_ports import ImageRegistry, ReleaseFeed, ReleaseLog, TargetImages


@dataclass(frozen=True)
class _Seen:
    """What runs, and what there is to choose from; *bad* failed here and is offered unchanged."""

    name: ImageName
    current: Version
    offer: Offer
    bad: Sequence[BadVersion]
    doubts: tuple[str, ...]
    now: datetime


@dataclass(frozen=True)
class UpdateCheck:
    """Asks the registry, the feed and the journal; decides nothing that `domain` does not."""

    engine: Engine
    registry: ImageRegistry
    images: TargetImages
    feed: ReleaseFeed
    log: ReleaseLog
    jobs: JobJournal
    clock: Clock
    minimum_age: timedelta

    async def run(self, wanted: str = "") -> Outlook:
        """The way to *wanted*, or to the newest version that did not fail here.

        Raises ConfigError where *wanted* is no version, RefusedError where there is no way.
        """
        asked = parse_target(wanted) if wanted else None
        seen = await self._look()
        return await self._outlook(seen, asked or newest(seen.offer, seen.current), asked)

    async def targets(self) -> Sequence[Target]:
        """What somebody may want to update to, the nearest first; none where nothing is newer.

        Raises RefusedError where it cannot be told which version runs.
        """
        seen = await self._look()
        return [
            await self._target(seen, each) for each in sensible_targets(seen.offer, seen.current)
        ]

    async def _target(self, seen: _Seen, version: Version) -> Target:
        try:
            return (await self._outlook(seen, version)).as_target
        except RefusedError as error:  # there is no way to this one
            return Target(version=version, held=str(error))

    async def _look(self) -> _Seen:
        stack = await self.engine.find_stack()
        name = parse_image_name(stack.server.image)
        current = _running(await self.engine.files(stack).authentik_version())
        offered = releases(await self.registry.tags(name))
        now = self.clock.now()
        await self.log.note_tags(name.place, [str(each) for each in offered], now)
        doubts = await self._ask_the_feed()
        bad = await self._still_bad(name, current, offered)

        failed = [version for each in bad if (version := read_tag(each.tag))]
        return _Seen(name, current, Offer(offered, bad=failed), bad, tuple(doubts), now)

    async def _outlook(self, seen: _Seen, target: Version, asked: Version | None = None) -> Outlook:
        name, bad = seen.name, seen.bad
        hops, images = await self._find_way(name, seen.current, target, seen.offer)
        way = [await self._candidate(name, *each) for each in zip(hops, images, strict=True)]
        reasons = await self.log.reasons()
        known = Remembered(bad, await self.jobs.stuck_jobs(), _security_releases(reasons))
        return Outlook(
            place=name.place,
            current=seen.current,
            target=target,
            hops=_outlooks(hops, images, reasons),
            holds=find_holds(way, known, self.minimum_age, seen.now),
            newer_patch=newer_patch(seen.offer, target) if hops else None,
            passed_over=tuple(
                each for each in bad if not asked and (read_tag(each.tag) or target) > target
            ),
            doubts=seen.doubts,
        )

    async def _ask_the_feed(self) -> list[str]:
        """Remember what it tells; without it an update is none the worse."""
        try:
            release = await self.feed.newest()
        except BotError as error:
            return [f"Whether a release mends a security hole is not known: {error.in_full()}"]
        if release:
            await self.log.note_reason(release)
        return []

    async def _still_bad(
        self, name: ImageName, current: Version, offered: Collection[Version]
    ) -> Sequence[BadVersion]:
        """What failed here and is offered unchanged."""
        known = [
            each
            for each in await self.log.bad(name.place)
            if (version := read_tag(each.tag)) and version > current and version in offered
        ]
        return [each for each in known if await self.registry.digest(name, each.tag) == each.digest]

    async def _find_way(
        self, name: ImageName, current: Version, target: Version, offer: Offer
    ) -> tuple[Sequence[Hop], Sequence[RegistryImage]]:
        """The way and its images; planned anew while images that are here say what they follow."""
        platform = await self.engine.platform()
        while True:
            hops = plan_path(current, target, offer)
            images = [await self._image(name, hop, platform) for hop in hops]
            said = {
                hop.end: file.previous
                for hop, image in zip(hops, images, strict=True)
                if hop.presumed
                and (file := await self.images.version_file(name, image.digest))
                and file.previous
            }
            if not said:
                return hops, images
            offer = replace(offer, said={**offer.said, **said})

    async def _image(self, name: ImageName, hop: Hop, platform: Platform) -> RegistryImage:
        image = await self.registry.image(name, str(hop.end), platform)
        if image is None:
            raise RefusedError(
                f"the registry lists {name.place}:{hop.end} and does not have it",
                hint="Try again; somebody may be changing it just now.",
            )
        return image

    async def _candidate(self, name: ImageName, hop: Hop, image: RegistryImage) -> Candidate:
        now = self.clock.now()
        seen = await self.log.first_seen(name.place, str(hop.end), image.digest, now)
        return Candidate(hop.end, image.digest, seen.since(image.made))


def _security_releases(reasons: Mapping[Version, Reason]) -> frozenset[Version]:
    return frozenset(v for v, reason in reasons.items() if reason is Reason.SECURITY)


def _outlooks(
    hops: Sequence[Hop], images: Sequence[RegistryImage], reasons: Mapping[Version, Reason]
) -> tuple[HopOutlook, ...]:
    return tuple(
        HopOutlook(
            hop=hop,
            digest=image.digest,
            size=image.size,
            security=reasons[hop.end] is Reason.SECURITY if hop.end in reasons else None,
        )
        for hop, image in zip(hops, images, strict=True)
    )


def _running(text: str | None) -> Version:
    version = read_tag(text or "")
    if version is None:
        raise RefusedError(
            f"cannot tell which version of Authentik runs: its container says {text or 'nothing'}",
            hint="akbot updates releases only, such as 2025.4.4.",
        )
    return version
