"""Compose files in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.domain.compose_edit import ComposeChange
from bot.domain.drift import Drift
from bot.domain.errors import RefusedError
from bot.domain.outposts import ProjectOutpost
from bot.domain.restore import Site
from bot.domain.stack import Stack
from bot.domain.versions import Family
from bot.services.compose_ports import Planned


@dataclass
class FakeComposeFiles:
    """A ComposeFiles whose plans are given, by current and target family.

    `applied` are the changes that are in place, by key; `kept` those whose way back is there still.
    """

    plans: dict[tuple[Family, Family], Planned | RefusedError] = field(default_factory=dict)
    applied: dict[str, ComposeChange] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    dropped: list[str] = field(default_factory=list)
    edited: tuple[str, ...] = ()
    fail: Exception | None = None

    async def plan(self, site: Site, current: Family, target: Family) -> Planned | None:  # noqa: ARG002
        planned = self.plans.get((current, target))
        if isinstance(planned, RefusedError):
            raise planned
        return planned

    async def apply(self, site: Site, change: ComposeChange, key: str) -> None:  # noqa: ARG002
        if self.fail:
            raise self.fail
        self.applied[key] = change
        self.kept.add(key)

    async def require_undo(self, site: Site, changes: Mapping[str, ComposeChange]) -> None:  # noqa: ARG002
        if changes.keys() - self.kept:
            raise RefusedError("what was there before is not kept any more")

    async def undo(self, site: Site, change: ComposeChange, key: str) -> Sequence[str]:  # noqa: ARG002
        self.applied.pop(key, None)
        self.kept.discard(key)
        return self.edited

    async def discard(self, site: Site, change: ComposeChange, key: str) -> None:  # noqa: ARG002
        self.kept.discard(key)

    async def drop_service(self, site: Site, name: str) -> None:  # noqa: ARG002
        if name not in self.dropped:
            self.dropped.append(name)


@dataclass
class FakeComposeDrift:
    """A ComposeDrift that finds what it is given; *images* are those of outposts, by service.

    Where one ends in a colon the tag comes behind it.
    """

    found: tuple[Drift, ...] = ()
    images: Mapping[str, str] = field(default_factory=dict)
    fail: Exception | None = None

    async def drift(self, stack: Stack) -> Sequence[Drift]:  # noqa: ARG002
        if self.fail:
            raise self.fail
        return self.found

    async def outposts(self, stack: Stack, tag: str) -> Sequence[ProjectOutpost]:  # noqa: ARG002
        return [
            ProjectOutpost(service, f"{image}{tag}" if image.endswith(":") else image)
            for service, image in self.images.items()
        ]
