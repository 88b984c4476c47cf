"""What updates are built from."""

from bot.adapters.engine import DockerEngine
from bot.adapters.image_file import PulledImages
from bot.adapters.journal import Journal
from bot.adapters.preflight import DockerPreflight
from bot.adapters.registry import HttpRegistry
from bot.adapters.registry_cache import RegistryCache
from bot.adapters.registry_login import DockerLogins
from bot.adapters.rehearsal import DockerRehearsals
from bot.adapters.release_feed import HttpReleaseFeed
from bot.adapters.state_folder import StateFolder
from bot.domain.update_gate import Baseline, Patience
from bot.services.keyring import Keyring
from bot.services.ports import Clock
from bot.services.preflight import Preflight
from bot.services.rehearsal import Rehearsal
from bot.services.stores import Stores
from bot.services.update_check import UpdateCheck
from bot.settings import Settings


class Updates:
    """The registry, the feed, and what asks them."""

    def __init__(
        self,
        settings: Settings,
        engine: DockerEngine,
        journal: Journal,
        clock: Clock,
        stores: Stores,
    ) -> None:
        self._engine, self._stores, self._clock = engine, stores, clock
        self._checks = settings.site_checks
        self._rehearsed = Patience(stable=settings.rehearsal_stable, timeout=settings.gate_timeout)
        logins = DockerLogins(settings.docker_folder)
        self.registry = HttpRegistry(
            settings.registry_endpoint,
            logins,
            RegistryCache(StateFolder(settings.state_folder)),
            clock,
        )
        self.check = UpdateCheck(
            engine,
            self.registry,
            PulledImages(engine.api),
            HttpReleaseFeed(settings.feed_url),
            journal.releases,
            journal.jobs,
            clock,
            settings.minimum_age,
        )
        self.preflight = Preflight(self.check, DockerPreflight(engine), engine, stores, clock)

    def rehearsal(self, keyring: Keyring, before: Baseline) -> Rehearsal:
        """What rehearses an update; *before* is what the live version answers."""
        return Rehearsal(
            self._engine,
            DockerRehearsals(self._engine, self._checks),
            self._stores,
            keyring,
            self._clock,
            self._rehearsed,
            before,
        )

    async def close(self) -> None:
        """Give back threads."""
        await self.registry.close()
