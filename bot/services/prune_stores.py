"""Delete what has outlived its use in each store, by that store's own policy."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from bot.domain.errors import BotError, PortError
from bot.domain.messages import RunPrune
from bot.domain.retention import RetentionPlan
from bot.domain.signature import PublicKey
from bot.services.ports import JobLog
from bot.services.prune import Pruned, PruneService
from bot.services.stores import Place, Stores

Kept = Mapping[str, str]


@dataclass(frozen=True)
class PrunedStores:
    """What was done in each store, by its name."""

    by_store: Mapping[str, Pruned] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """All of it in a sentence, for the journal."""
        if len(self.by_store) == 1:
            return next(iter(self.by_store.values())).words
        return "; ".join(f'store "{name}": {each.words}' for name, each in self.by_store.items())


@dataclass(frozen=True)
class PruneStores:
    """`akbot prune`; *service* makes the one for a store, given what must stay there."""

    stores: Stores
    trusted: Collection[PublicKey]
    stack: str
    service: Callable[[Place, Kept], PruneService]

    async def preview(self) -> dict[str, RetentionPlan]:
        """What a prune would do now, in each store. Raises PortError where one is not listed."""
        kept, _ = await self._kept()
        return {
            place.name: await self.service(place, kept).preview() for place in self.stores.places
        }

    async def run(self, command: RunPrune, job: JobLog) -> PrunedStores:
        """Delete what is to go, store by store; one that fails does not stop the next.

        As long as one does not answer, all backups stay in the others: a pin may lie there.

        Raises what went wrong in the first that failed, once all were looked at.
        """
        kept, unread = await self._kept()
        done: dict[str, Pruned] = {}
        failed: dict[str, BotError] = {}
        for place in self.stores.places:
            try:
                done[place.name] = await self.service(place, kept).run(command, job)
            except BotError as error:
                if not self.stores.several:
                    raise
                failed[place.name] = error
        for name, first in failed.items():
            raise _of_store(name, first, done, unread) from first
        return PrunedStores(done)

    async def _kept(self) -> tuple[Kept, str]:
        """What stays in every store, and which store that does not answer is why, "" for none.

        A pin holds also where it was not written, so it may lie where nobody can read it now.
        """
        if not self.stores.several:
            return {}, ""
        catalogue = await self.stores.catalogue(self.stack, self.trusted)
        unread = ""
        if catalogue.silent:
            names = ", ".join(f'"{name}"' for name in catalogue.silent)
            unread = f"store {names} does not answer, where a pin may lie"
        return {
            each.id: "pinned" if each.pinned else unread
            for each in catalogue.records
            if each.pinned or unread
        }, unread


def _of_store(name: str, error: BotError, done: Mapping[str, Pruned], unread: str) -> BotError:
    """The same kind of error, which says where it happened, and what was done elsewhere."""
    parts = [f'store "{name}": {error}']
    parts += [f'store "{other}": {pruned.words}' for other, pruned in done.items()]
    parts += [f"no backup was deleted: {unread}"] if unread else []
    words = "; ".join(parts)
    if isinstance(error, PortError):
        return PortError(words, hint=error.hint, retryable=error.retryable)
    return type(error)(words, hint=error.hint)
