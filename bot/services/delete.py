"""Delete one backup that a person has named, from one store or from all."""

from collections.abc import Collection
from dataclasses import dataclass

from bot.domain.backup_id import BackupId
from bot.domain.doomed import Doomed, choose_doomed
from bot.domain.errors import BotError, ConfigError, RefusedError
from bot.domain.jobs import ALL_JOBS
from bot.domain.messages import RunDelete, StepBegan
from bot.domain.signature import PublicKey
from bot.services.deletion import DELETING, STACK, delete_set
from bot.services.journal_ports import JobJournal
from bot.services.ports import JobLog, Publish, ReadLocks
from bot.services.prune import in_use
from bot.services.store_ports import Protection
from bot.services.stores import IN_STORE, Stores


@dataclass(frozen=True)
class Deleted:
    """What is gone; *hidden* names the stores that still have it, as an earlier version."""

    id: BackupId
    stores: tuple[str, ...]
    hidden: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """All of it in a sentence, for the journal."""
        return f"{self.id} deleted from {', '.join(self.stores)}"


@dataclass(frozen=True)
class DeleteService:
    """`akbot delete`, for the folder *stack* of the stores."""

    stores: Stores
    journal: JobJournal
    locks: ReadLocks
    trusted: Collection[PublicKey]
    publish: Publish
    stack: str

    async def preview(self, command: RunDelete) -> Doomed:
        """What would go. Raises RefusedError where it must stay, ConfigError for no such store."""
        names = [place.name for place in self.stores.places]
        if command.store and command.store not in names:
            raise ConfigError(
                f'--store: there is no store "{command.store[:60]}"',
                hint=f"Give one of {', '.join(names)}.",
            )
        catalogue = await self.stores.catalogue(self.stack, self.trusted)
        for name, error in catalogue.silent.items():
            if not command.store or name == command.store:
                raise RefusedError(
                    f'store "{name}" does not answer, and may have it: {error}',
                    hint="Nothing was deleted. Name the store that shall lose it with --store.",
                )
        needed = in_use(await self.journal.jobs(ALL_JOBS))
        return choose_doomed(
            catalogue.found, command.backup, command.store, needed, force=command.force
        )

    async def run(self, command: RunDelete, agreed: Doomed, job: JobLog) -> Deleted:
        """Delete what a person has *agreed* to, store by store.

        Raises RefusedError, and nothing was changed, where it is another by now or is being read;
        PortError where a store does not let it go: those after it keep theirs.
        """
        if await self.preview(command) != agreed:
            raise RefusedError(
                f'backup "{agreed.id}" has changed since it was shown',
                hint="Nothing was deleted. Look at it again.",
            )
        done: list[str] = []
        hidden: list[str] = []
        async with self.locks.deleting(agreed.id):
            for place in self.stores.places:
                if place.name not in agreed.copies:
                    continue
                self.publish(StepBegan(f"deleting {agreed.id} from {place.name}"))
                try:
                    protection = await place.store.protection()
                    await job.plan(**{STACK: self.stack, IN_STORE: place.name, DELETING: agreed.id})
                    await job.step(f"delete {agreed.id}")
                    await delete_set(place.store, self.stack, agreed.id)
                except BotError as error:
                    if done:
                        error.add_note(f"It is deleted from {', '.join(done)} by now.")
                    raise
                done.append(place.name)
                if protection in {Protection.LOCKED, Protection.VERSIONED}:
                    hidden.append(place.name)
        return Deleted(agreed.id, tuple(done), tuple(hidden))
