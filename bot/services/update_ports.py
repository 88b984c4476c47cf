"""What an update asks of the outside world before it changes anything."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.image_name import ImageName
from bot.domain.messages import RunUpdate
from bot.domain.preflight_facts import StackState
from bot.domain.registry_answers import Platform, RegistryImage
from bot.domain.release_feed import NewestRelease, Reason
from bot.domain.restore import Site
from bot.domain.stack import Stack
from bot.domain.update_gate import Baseline, Judgement, Wanted
from bot.domain.update_holds import BadVersion, FirstSeen
from bot.domain.update_news import Silence
from bot.domain.version_file import VersionFile
from bot.domain.versions import Version

Ask = Callable[[Judgement, datetime], Awaitable[bool | None]]
"""Asks a person whether what holds inside and not outside shall stay, and waits until that moment.

False also where nobody answers, None where there is nobody to ask.
"""
AskWhoeverBegan = Callable[[RunUpdate], Ask]
"""The Ask that belongs to the update which that command began."""


Guests = Callable[[Stack], Awaitable[Sequence[str]]]
"""Who lives in the network of server or worker, and neither goes nor comes with them; by name."""


async def nobody_to_ask(_: Judgement, __: datetime) -> None:
    """An Ask where there is nobody."""


class ImageRegistry(Protocol):
    """Where images come from.

    Raises PortError where it is away, denies, or asks to be left alone for a while; IntegrityError
    where an answer is not what it must be.
    """

    async def tags(self, name: ImageName) -> Sequence[str]:
        """All tags of a repository, in no promised order."""

    async def digest(self, name: ImageName, tag: str) -> str | None:
        """What *tag* means now, None where there is no such tag."""

    async def image(self, name: ImageName, tag: str, platform: Platform) -> RegistryImage | None:
        """The image for *platform*, None where there is no such tag.

        Raises RefusedError where there is none for that platform.
        """


class TargetImages(Protocol):
    """Images that this host has pulled, whether or not they ever ran."""

    async def version_file(self, name: ImageName, digest: str) -> VersionFile | None:
        """What the image of that digest says of itself, None where it is not here.

        It is not started for that.
        """


class PreflightLook(Protocol):
    """The stack, looked at before an update."""

    async def look(self, stack: Stack) -> StackState:
        """How it is. Raises RefusedError where its PostgreSQL does not run."""


class Gate(Protocol):
    """What a version must hold, without interruption, before it is promoted."""

    async def baseline(self) -> Baseline:
        """What the site's own checks answer now: only what holds now can fail it later."""

    async def hold(self, wanted: Wanted) -> Judgement:
        """Look until it is certain: PROMOTE, ROLL_BACK or ASK."""


class Gates(Protocol):
    """Where gates are had; at each all must hold for *stable* seconds."""

    @property
    def stable(self) -> float: ...

    def of(self, site: Site, expected: float = 0) -> Gate:
        """The gate before the stack's own server and worker, and its outposts.

        A start that is *expected* to take so many seconds gets thrice as many at least.
        """


class Evidence(Protocol):
    """What is kept of containers that are about to be removed, for whoever asks why."""

    async def keep(self, job: str, site: Site) -> str:
        """Keep what server and worker said last, masked; where it lies, "" where nothing was kept.

        Raises nothing: it stands in no undo's way.
        """


class ReleaseFeed(Protocol):
    """Authentik's own word about its newest release."""

    async def newest(self) -> NewestRelease | None:
        """The newest release; None where nobody is to be asked. Raises as a registry does."""


class ReleaseLog(Protocol):
    """What is remembered of images, in the journal; a write is on the disk when it returns."""

    async def note_tags(self, place: str, tags: Collection[str], now: datetime) -> None:
        """Remember the tags of a repository that were not known yet."""

    async def tags(self, place: str) -> Collection[str]:
        """All tags of it that were ever seen."""

    async def first_seen(self, place: str, tag: str, digest: str, now: datetime) -> FirstSeen:
        """When *tag* was first seen to mean *digest*; now, where it was not seen before.

        The first digest of a tag is as old as the tag itself; a later one counts anew.
        """

    async def remember_bad(self, place: str, bad: BadVersion) -> None:
        """Remember that an image failed here, instead of what was known of it."""

    async def bad(self, place: str) -> Sequence[BadVersion]:
        """What failed here, the newest failure first."""

    async def note_reason(self, release: NewestRelease) -> None:
        """Remember why a release was made."""

    async def reasons(self) -> Mapping[Version, Reason]:
        """Why releases were made, as far as that was ever told."""

    async def told(self, place: str) -> Mapping[str, bool]:
        """The versions that people were told of, and whether as a security release."""

    async def note_told(self, place: str, tag: str, now: datetime, *, security: bool) -> None:
        """Remember that people were told of a version."""

    async def silence(self, now: datetime) -> Silence:
        """Since when no check was answered; it begins now where none was ever made."""

    async def note_silence_told(self) -> None:
        """Remember that people were told of the silence."""

    async def note_answer(self, now: datetime) -> None:
        """A check was answered, which ends the silence."""
