"""The stores in which backups lie, one or several, and what is asked of all of them.

With one store everything is as if there were no list: its errors pass unchanged, it may take its
own time. With several the work goes on in those that answer.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

from bot.domain.backup_id import BackupId
from bot.domain.catalogue import BackupRecord
from bot.domain.copies import merge_records
from bot.domain.errors import ConfigError, IntegrityError, PortError
from bot.domain.manifest import Manifest
from bot.domain.retention import Policy
from bot.domain.signature import PublicKey
from bot.services.catalogue import Listing, read_manifest
from bot.services.stalls import unless_stalled
from bot.services.store_ports import BackupStore

T = TypeVar("T")
StoreError = PortError | IntegrityError | ConfigError
STORE_ERRORS = (PortError, IntegrityError, ConfigError)
"""What one of several stores may raise: it is away, damaged, or its settings are wrong."""

STALL = 60.0
"""Seconds after which a store that does not go on is done without, if there is another one."""
IN_STORE = "store"
"""Fact of a job's plan: the name of the store in which it deletes or writes."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """A store, its short name, and which backups stay in it."""

    name: str
    store: BackupStore
    policy: Policy = field(default_factory=Policy)


@dataclass(frozen=True)
class Catalogue:
    """What each store has, in the order of the settings; *silent* ones did not answer, and why."""

    found: Mapping[str, list[BackupRecord]]
    silent: Mapping[str, StoreError]

    @cached_property  # each scrape of the metrics asks
    def records(self) -> list[BackupRecord]:
        """Every backup once, newest first."""
        return merge_records(self.found, self.silent)

    def require_an_answer(self) -> "Catalogue":
        """Itself. Raises what is wrong with the first store where none has answered."""
        if not self.found and self.silent:
            raise next(iter(self.silent.values()))
        return self


@dataclass(frozen=True)
class Stores:
    """All stores, in the order in which they are asked."""

    places: tuple[Place, ...]
    stall: float = STALL
    listing: Listing = field(default_factory=Listing)

    @property
    def several(self) -> bool:
        """Whether one may fail."""
        return len(self.places) > 1

    def named(self, name: str) -> Place | None:
        """The store of that name; without a name the only one there is."""
        if not name and not self.several:
            return self.places[0]
        return next((place for place in self.places if place.name == name), None)

    def only(self, names: Collection[str]) -> "Stores":
        """Those of these names alone."""
        places = tuple(each for each in self.places if each.name in names)
        return replace(self, places=places)

    def holding(self, record: BackupRecord) -> BackupStore:
        """The store from which *record* is read."""
        wanted = record.stores[0] if record.stores else self.places[0].name
        return next(place.store for place in self.places if place.name == wanted)

    async def manifest(self, record: BackupRecord, trusted: Collection[PublicKey]) -> Manifest:
        """That of a listed backup, read and checked anew; raises as `read_manifest` does."""
        return (await read_manifest(self.holding(record), record, trusted)).manifest

    async def catalogue(self, stack: str, trusted: Collection[PublicKey]) -> Catalogue:
        """What lies where. Raises PortError where no store answers."""
        found, silent = await self.ask(lambda store: self.listing.backups(store, stack, trusted))
        return Catalogue(found, silent)

    async def backups(self, stack: str, trusted: Collection[PublicKey]) -> list[BackupRecord]:
        """Every backup once, newest first, as the stores that answer have it."""
        return (await self.catalogue(stack, trusted)).records

    async def find(
        self, stack: str, backup_id: BackupId, trusted: Collection[PublicKey]
    ) -> BackupRecord | None:
        """One backup, None where nothing of it lies in any store that answers."""
        records = await self.backups(stack, trusted)
        return next((each for each in records if each.id == backup_id), None)

    async def ask(
        self,
        work: Callable[[BackupStore], Awaitable[T]],
        *,
        but: Collection[str] = (),
        within: float = STALL,
    ) -> tuple[dict[str, T], dict[str, StoreError]]:
        """Do *work* in every store at once: the results, and what went wrong, by name.

        Each has *within* seconds for every step, where there are several.

        Raises what went wrong in the first one where it did in all of them.
        """
        places = [place for place in self.places if place.name not in but]
        if not self.several:
            return {place.name: await work(place.store) for place in places}, {}
        results: dict[str, T] = {}
        errors: dict[str, StoreError] = {}

        async def one(place: Place) -> None:
            try:
                results[place.name] = await unless_stalled(
                    place.store, work, min(self.stall, within)
                )
            except STORE_ERRORS as error:
                logger.warning('store "%s": %s', place.name, error)
                errors[place.name] = error

        await asyncio.gather(*(one(place) for place in places))
        if places and not results:
            raise errors[places[0].name]
        order = [place.name for place in places]
        return (
            {name: results[name] for name in order if name in results},
            {name: errors[name] for name in order if name in errors},
        )

    async def close(self) -> None:
        """Give back connections and threads."""
        for place in self.places:
            await place.store.close()
