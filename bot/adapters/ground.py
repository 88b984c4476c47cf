"""Engine and Compose on a host that has nothing of the stack yet."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from bot.adapters import catalogue_sql
from bot.adapters.chores import Chores, place_of
from bot.adapters.compose_program import CONFIG_WITHIN, ComposeProgram
from bot.adapters.container_facts import environment_of
from bot.adapters.engine_api import EngineApi
from bot.adapters.engine_upload import upload_files
from bot.adapters.images import have_image
from bot.adapters.project_folder import ProjectFolder
from bot.adapters.psql import psql_session
from bot.adapters.services_of import details_of, require_running
from bot.adapters.throwaway import created
from bot.domain.errors import PortError, RefusedError
from bot.domain.layout import DataFolder, Layout
from bot.domain.project import Project
from bot.domain.restore import Site

_UP_WITHIN = 900.0  # seconds; images are pulled in them
_READY_WITHIN = 300.0
_AGAIN = 0.5
_JOB = "bootstrap"
_NO_SUCH_FOLDER = "bind source path does not exist"
_IS_FREE = f'if [ ! -d {place_of(0)} ] || [ -z "$(ls -A {place_of(0)})" ]; then echo yes; fi'
_OWN = 'chown "$1" ' + place_of(0)
_QUIETLY = """
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
"""
_PASSWORDS = {
    "postgresql": ("POSTGRES_USER", "POSTGRES_PASSWORD", "postgres"),
    "server": ("AUTHENTIK_POSTGRESQL__USER", "AUTHENTIK_POSTGRESQL__PASSWORD", "authentik"),
}


class EmptyHost:
    """Port `Ground`; *folder* is where the project goes."""

    def __init__(self, api: EngineApi, compose: ComposeProgram, folder: ProjectFolder) -> None:
        self._api = api
        self._compose = compose
        self._folder = folder

    async def configuration(self, project: Project) -> Mapping[str, Any]:
        async with self._folder.drafted(project.files) as draft:
            try:
                out = await self._compose.run(
                    _unnamed(project, str(draft)),
                    *("config", "--format", "json"),
                    within=CONFIG_WITHIN,
                )
            except PortError as error:
                raise RefusedError(
                    f"Compose does not take the backup's files: {error}",
                    hint="Nothing was changed. Follow deploy/RUNBOOK.md instead.",
                ) from error
        moved = out.decode().replace("$$", "$").replace(json.dumps(str(draft))[1:-1], project.place)
        found: Mapping[str, Any] = json.loads(moved)
        return found

    async def containers(self, project: str, names: Sequence[str]) -> Sequence[str]:
        listed: Sequence[Mapping[str, Any]] = await self._api.call(
            "list containers", lambda sdk: sdk.containers(all=True)
        )
        return [
            own[0]
            for each in listed
            if (own := [name.lstrip("/") for name in each["Names"] or []])
            and (
                (each["Labels"] or {}).get("com.docker.compose.project") == project
                or set(own) & set(names)
            )
        ]

    async def pull(self, image: str) -> None:
        await have_image(self._api, image)

    async def occupied(self, folders: Sequence[DataFolder], image: str) -> Sequence[str]:
        image_id = await self._image_id(image)
        return [
            each.source
            for each in folders
            if not await (
                self._is_free_volume(each, image_id)
                if each.is_volume
                else self._is_free_folder(each, image_id)
            )
        ]

    async def _is_free_folder(self, folder: DataFolder, image_id: str) -> bool:
        """Mounted so that the Engine makes none where there is none, but says so."""
        mount = {"Type": "bind", "Source": folder.source, "Target": place_of(0), "ReadOnly": True}
        settings = {"entrypoint": ["sh"], "command": ["-c", _IS_FREE], "user": "0:0"}
        doing = f'look into "{folder.source}"'
        limits = {"mounts": [mount], "cap_add": ["DAC_OVERRIDE"]}
        try:
            async with created(self._api, doing, image_id, settings, _JOB, limits=limits) as name:
                await self._api.call(doing, lambda sdk: sdk.start(name))
                await self._api.call(doing, lambda sdk: sdk.wait(name))
                out: bytes = await self._api.call(doing, lambda sdk: sdk.logs(name))
        except PortError as error:
            if _NO_SUCH_FOLDER in str(error):
                return True
            raise
        return out.strip() == b"yes"

    async def _is_free_volume(self, volume: DataFolder, image_id: str) -> bool:
        from docker.errors import NotFound  # noqa: PLC0415 - imported when used

        def exists(sdk: Any) -> bool:
            try:
                sdk.inspect_volume(volume.source)
            except NotFound:
                return False
            return True

        if not await self._api.call("look for a volume", exists):
            return True
        done = await self._chores(image_id).run([volume.source], _IS_FREE)
        return done.stdout.strip() == b"yes"

    async def prepare(self, layout: Layout, image: str) -> None:
        image_id = await self._image_id(image)
        for each in layout.folders:
            if not each.is_volume:  # Compose makes its own, and marks them so
                script, words = (_OWN, [each.owner]) if each.owner else (":", [])
                done = await self._chores(image_id).run([each.source], script, *words)
                if done.exit_code != 0:
                    raise PortError(f'make "{each.source}": {done.stderr}')

    async def put(
        self, folder: DataFolder, layout: Layout, files: Mapping[str, bytes], image: str
    ) -> None:
        if folder.is_volume:
            await self._make_volume(folder, layout)
        image_id = await self._image_id(image)
        async with self._chores(image_id).container([folder.source]) as name:
            doing = f'write into "{folder.source}"'
            await upload_files(self._api, name, place_of(0), files, doing=doing)

    async def _make_volume(self, volume: DataFolder, layout: Layout) -> None:
        """As Compose would: it takes no volume for its own that lacks its labels."""
        labels = {
            "com.docker.compose.project": layout.name,
            "com.docker.compose.volume": volume.source.removeprefix(f"{layout.name}_"),
        }
        await self._api.call(
            "make a volume", lambda sdk: sdk.create_volume(volume.source, labels=labels)
        )

    async def up(self, site: Site, services: Sequence[str]) -> None:
        options = ("--detach", "--no-recreate", "--no-build", "--wait")
        await self._compose.run(site, "up", *options, *services, within=_UP_WITHIN)
        await self._until_ready(site)

    async def _until_ready(self, site: Site) -> None:
        """Over TCP: while the image makes the first database, it answers on its socket alone."""
        postgresql = await require_running(self._api, site.project, site.postgresql)
        command = ["pg_isready", "--quiet", "--host=127.0.0.1"]
        try:
            async with asyncio.timeout(_READY_WITHIN):
                while (await self._api.run(postgresql.id, command)).exit_code != 0:  # noqa: ASYNC110 - another process's event
                    await asyncio.sleep(_AGAIN)
        except TimeoutError as error:
            raise PortError(
                f"start PostgreSQL: not ready after {_READY_WITHIN:g} s", hint="Look at its log."
            ) from error

    async def create(self, site: Site, services: Sequence[str]) -> None:
        options = ("--no-recreate", "--pull", "missing", "--no-build")
        await self._compose.run(site, "create", *options, *services, within=_UP_WITHIN)

    async def make_roles(self, site: Site, statements: Sequence[str]) -> None:
        postgresql = await require_running(self._api, site.project, site.postgresql)
        passwords = await self._passwords(site)
        [details] = await details_of(self._api, site.project, [site.postgresql])
        user = environment_of(details).get("POSTGRES_USER", "postgres")
        environment = {"PGUSER": user, "PGDATABASE": "postgres", "PGAPPNAME": "akbot-roles"}
        async with psql_session(self._api, postgresql.id, environment) as session:
            await session.run(_QUIETLY)
            for statement in statements:
                await session.run(statement)
            there = await session.ask("SELECT json_agg(rolname) FROM pg_roles;")
            for role, password in passwords.items():
                if role in there:
                    name, secret = catalogue_sql.quoted(role), catalogue_sql.literal(password)
                    await session.run(f"ALTER ROLE {name} PASSWORD {secret};")

    async def _passwords(self, site: Site) -> dict[str, str]:
        """The password of each role that the stack logs in as, as its containers are told."""
        found: dict[str, str] = {}
        for service, variables in _PASSWORDS.items():
            for details in await details_of(self._api, site.project, [getattr(site, service)]):
                user, password, usual = variables
                given = environment_of(details)
                text = given.get(password, "")
                if text and "://" not in text:  # Authentik takes such a one from elsewhere
                    found[given.get(user, usual)] = text
        return found

    async def _image_id(self, image: str) -> str:
        found: Mapping[str, Any] = await self._api.call(
            "inspect an image",
            lambda sdk: sdk.inspect_image(image),  # type: ignore[no-untyped-call]
        )
        return str(found["Id"])

    def _chores(self, image_id: str) -> Chores:
        return Chores(self._api, image_id, _JOB)


def _unnamed(project: Project, folder: str) -> Site:
    """The project in *folder*, by whatever name Compose finds for it."""
    return Site(
        project="",
        postgresql="",
        server="",
        worker=None,
        redis=None,
        working_dir=folder,
        config_files=tuple(f"{folder}/{name}" for name in project.compose_files),
        env_files=tuple(f"{folder}/{name}" for name in project.env_files),
        database="",
        user="",
        image="",
        version=None,
    )
