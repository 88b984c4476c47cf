"""A registry, a feed and a memory of releases in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.domain.errors import PortError, RefusedError
from bot.domain.image_name import ImageName
from bot.domain.registry_answers import Platform, RegistryImage
from bot.domain.release_feed import NewestRelease, Reason
from bot.domain.update_holds import BadVersion, FirstSeen
from bot.domain.update_news import Silence
from bot.domain.version_file import VersionFile
from bot.domain.versions import Version


@dataclass
class FakeRegistry:
    """An ImageRegistry of one repository; `fail` is what every question is answered with."""

    name: ImageName
    images: dict[str, RegistryImage] = field(default_factory=dict)
    platform: Platform = field(default_factory=lambda: Platform("linux", "amd64"))
    others: list[str] = field(default_factory=list)
    fail: Exception | None = None

    async def tags(self, name: ImageName) -> Sequence[str]:
        self._answers(name)
        return [*self.images, *self.others]

    async def digest(self, name: ImageName, tag: str) -> str | None:
        self._answers(name)
        return self.images[tag].digest if tag in self.images else None

    async def image(self, name: ImageName, tag: str, platform: Platform) -> RegistryImage | None:
        self._answers(name)
        if tag in self.images and platform != self.platform:
            raise RefusedError(f'"{tag}" has no image for {platform}, this machine')
        return self.images.get(tag)

    def _answers(self, name: ImageName) -> None:
        if self.fail:
            raise self.fail
        if name.place != self.name.place:
            raise PortError(f"ask the registry for {name.place}: there is no such repository")


@dataclass
class FakeImages:
    """TargetImages: `files` are the version files of what is here, by digest."""

    files: dict[str, VersionFile] = field(default_factory=dict)

    async def version_file(self, name: ImageName, digest: str) -> VersionFile | None:  # noqa: ARG002
        return self.files.get(digest)


@dataclass
class FakeFeed:
    """A ReleaseFeed; `fail` is what it raises."""

    release: NewestRelease | None = None
    fail: Exception | None = None

    async def newest(self) -> NewestRelease | None:
        if self.fail:
            raise self.fail
        return self.release


@dataclass
class FakeReleaseLog:
    """A ReleaseLog in memory."""

    seen_tags: dict[tuple[str, str], FirstSeen] = field(default_factory=dict)
    seen: dict[tuple[str, str, str], FirstSeen] = field(default_factory=dict)
    failed: dict[tuple[str, str, str], BadVersion] = field(default_factory=dict)
    known_reasons: dict[Version, Reason] = field(default_factory=dict)
    told_of: dict[tuple[str, str], bool] = field(default_factory=dict)
    silent: Silence | None = None

    async def note_tags(self, place: str, tags: Collection[str], now: datetime) -> None:
        first_look = all(where != place for where, _ in self.seen_tags)
        for tag in tags:
            self.seen_tags.setdefault((place, tag), FirstSeen(now, first_look))

    async def tags(self, place: str) -> Collection[str]:
        return [tag for where, tag in self.seen_tags if where == place]

    async def first_seen(self, place: str, tag: str, digest: str, now: datetime) -> FirstSeen:
        key = (place, tag, digest)
        if key not in self.seen:
            moved = any(each[:2] == key[:2] for each in self.seen)
            of_tag = None if moved else self.seen_tags.get(key[:2])
            self.seen[key] = of_tag or FirstSeen(now)
        return self.seen[key]

    async def remember_bad(self, place: str, bad: BadVersion) -> None:
        self.failed[place, bad.tag, bad.digest] = bad

    async def bad(self, place: str) -> Sequence[BadVersion]:
        found = [bad for (where, _, _), bad in self.failed.items() if where == place]
        return sorted(sorted(found, key=lambda b: b.tag), key=lambda b: b.since, reverse=True)

    async def note_reason(self, release: NewestRelease) -> None:
        self.known_reasons[release.version] = release.reason

    async def reasons(self) -> Mapping[Version, Reason]:
        return dict(self.known_reasons)

    async def told(self, place: str) -> Mapping[str, bool]:
        return {tag: security for (where, tag), security in self.told_of.items() if where == place}

    async def note_told(self, place: str, tag: str, now: datetime, *, security: bool) -> None:  # noqa: ARG002
        self.told_of[place, tag] = security

    async def silence(self, now: datetime) -> Silence:
        self.silent = self.silent or Silence(now)
        return self.silent

    async def note_silence_told(self) -> None:
        if self.silent:
            self.silent = replace(self.silent, told=True)

    async def note_answer(self, now: datetime) -> None:
        self.silent = Silence(now)
