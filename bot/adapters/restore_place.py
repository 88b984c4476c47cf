"""Where a restore finds its tools: on the stack as it is now, its server there or not."""

from functools import partial

from bot.adapters.chores import Chores
from bot.adapters.compose import ComposeControl
from bot.adapters.compose_program import ComposeProgram
from bot.adapters.container_facts import as_container, environment_of
from bot.adapters.database_admin import PostgresAdmin
from bot.adapters.engine import DockerEngine
from bot.adapters.mount_files import MountFolders
from bot.adapters.project_files import ProjectFilesOnDisk
from bot.adapters.redis import RedisServer
from bot.adapters.redis_keeper import RedisKeeper
from bot.adapters.services_of import details_of, running_images
from bot.adapters.stack_probe import HttpProbe, status_of
from bot.domain.database_rights import require_rights
from bot.domain.errors import RefusedError
from bot.domain.outposts import is_outpost
from bot.domain.outside_database import role_of
from bot.domain.restore import Site
from bot.domain.stack import Stack
from bot.services.restore_ports import Tools

_REDIS_PASSWORD = "AUTHENTIK_REDIS__PASSWORD"  # noqa: S105 - a name
_LOGIN = "if/flow/default-authentication-flow/"
_REDIS_DATA = "/data"


class DockerWorkplace:
    """Port `Workplace`; *compose* runs Docker's client."""

    def __init__(self, engine: DockerEngine, compose: ComposeProgram) -> None:
        self._engine = engine
        self._compose = compose

    async def survey(self, stack: Stack) -> Site:
        login = self._engine.login(stack)
        if login.database == login.maintenance:
            raise RefusedError(
                f'Authentik uses the database "{login.database}", from which others are restored',
                hint="Nothing was changed. Move Authentik into a database of its own, or name"
                " another one in AKBOT_MAINTENANCE_DATABASE.",
            )
        if stack.postgresql is None:
            require_rights(await self._engine.database(stack).rights())
        [server] = await details_of(self._engine.api, stack.project, [stack.server.service])
        return Site(
            project=stack.project,
            postgresql=stack.postgresql.service if stack.postgresql else "",
            server=stack.server.service,
            worker=stack.worker.service if stack.worker else None,
            redis=stack.redis.service if stack.redis else None,
            working_dir=stack.working_dir,
            config_files=stack.config_files,
            env_files=stack.env_files,
            database=login.database,
            user=login.user,
            image=stack.server.image,
            version=await self._engine.files(stack).authentik_version(),
            login_page=_worth_comparing(await status_of(server, _LOGIN)),
            redis_folder=await self._redis_folder(stack),
            redis_image=stack.redis.image if stack.redis else "",
            role=role_of(self._engine.server_environment(stack)),
        )

    async def _redis_folder(self, stack: Stack) -> str:
        """Where its snapshots lie: they outlast its container."""
        if stack.redis is None:
            return ""
        [details] = await details_of(self._engine.api, stack.project, [stack.redis.service])
        mounts = [each for each in details["Mounts"] if each["Destination"] == _REDIS_DATA]
        return str(mounts[0].get("Name") or mounts[0]["Source"]) if mounts else ""

    async def outposts(self, stack: Stack) -> tuple[str, ...]:
        images = await running_images(self._engine.api, stack.project)
        return tuple(sorted(name for name, image in images.items() if is_outpost(image)))

    async def tools(self, site: Site, job: str) -> Tools:
        api = self._engine.api
        image_id = await self._engine.database_image_at(site, self._compose)
        files = MountFolders(api, Chores(api, image_id, job))
        databases = PostgresAdmin(
            api,
            self._engine.clients_at(site, self._compose),
            self._engine.login_at(site),
            job,
            is_outside=not site.postgresql,
            role=site.role,
        )
        return Tools(
            databases,
            ComposeControl(api, self._compose, site),
            files,
            await self._sessions(site, job, files),
            HttpProbe(api, site),
            ProjectFilesOnDisk(self._compose, site, job),
        )

    async def _sessions(self, site: Site, job: str, files: MountFolders) -> RedisKeeper | None:
        if site.redis is None:
            return None
        api = self._engine.api
        found = await details_of(api, site.project, [site.redis])
        if not found:  # a version that needs none was promoted
            return None
        container = as_container(found[0], {})
        server = RedisServer(api, container, await self._password(site))
        folders = [site.redis_folder] if site.redis_folder else []
        return RedisKeeper(api, container, server, job, partial(files.discard, folders))

    async def _password(self, site: Site) -> str | None:
        """Of the server's container, or of Compose while that is removed; never written down."""
        found = await details_of(self._engine.api, site.project, site.services)
        if found:
            return environment_of(found[0]).get(_REDIS_PASSWORD)
        return await self._compose.variable(site, site.server, _REDIS_PASSWORD)


def _worth_comparing(status: int | None) -> int | None:
    """A page that did not come before the restore is no measure for after it."""
    return status if status == 200 else None  # noqa: PLR2004 - HTTP
