"""What updates are built from."""

from bot.adapters.compose_drift import DockerDrift
from bot.adapters.compose_files import ProjectComposeFiles
from bot.adapters.compose_program import ComposeProgram
from bot.adapters.engine import DockerEngine
from bot.adapters.image_file import PulledImages
from bot.adapters.journal import Journal
from bot.adapters.preflight import DockerPreflight
from bot.adapters.registry import HttpRegistry
from bot.adapters.registry_cache import RegistryCache
from bot.adapters.registry_login import DockerLogins
from bot.adapters.release_feed import HttpReleaseFeed
from bot.adapters.state_folder import StateFolder
from bot.services.ports import Clock
from bot.services.preflight import Preflight
from bot.services.stores import Stores
from bot.services.update_check import UpdateCheck
from bot.settings import Settings


class Updates:
    """The registry, the feed, and what asks them."""

    def __init__(  # noqa: PLR0913, PLR0917 - its whole surroundings
        self,
        settings: Settings,
        engine: DockerEngine,
        journal: Journal,
        clock: Clock,
        stores: Stores,
        compose: ComposeProgram,
    ) -> None:
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
        self.compose_files = ProjectComposeFiles(engine.api, compose)
        self.preflight = Preflight(
            self.check,
            DockerPreflight(engine),
            engine,
            stores,
            clock,
            self.compose_files,
            DockerDrift(engine.api, compose),
        )

    async def close(self) -> None:
        """Give back threads."""
        await self.registry.close()
