"""An image that somebody has deleted is had again, exactly that one, or it is said why not."""

import io
import secrets
import tarfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.adapters.engine_api import EngineApi
from bot.adapters.images import have_image, image_id_of, name_image
from bot.domain.errors import PortError
from tests.contracts.engine_line import line_to_engine
from tests.contracts.s3_proxy import proxy_before, stalled
from tests.contracts.stacks import ENGINE, docker, engine_api, inspect
from tests.sandbox.fixture import Sandbox, sandbox, script

__all__ = ["sandbox"]

pytestmark = pytest.mark.docker


@dataclass(frozen=True)
class Pushed:
    """An image in the sandbox's registry, and on this host."""

    name: str
    id: str
    digest: str

    def delete(self) -> None:
        """As `docker image prune --all` does with what no container uses."""
        docker("rmi", "--force", self.id)


def made_and_pushed(name: str, size: int = 100) -> Pushed:
    """An image that has nothing but a file of *size* bytes, which no other one has."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("content")
        member.size = size
        archive.addfile(member, io.BytesIO(secrets.token_bytes(size)))
    docker("import", "-", name, stdin=packed.getvalue())
    docker("push", "--quiet", name)
    found = inspect(name)
    return Pushed(name, str(found["Id"]), str(found["RepoDigests"][0]).partition("@")[2])


@pytest.fixture
def pushed(sandbox: Sandbox) -> Iterator[Pushed]:
    pushed = made_and_pushed(f"{sandbox.registry}/akbot/small:1")
    yield pushed
    docker("rmi", "--force", pushed.name, check=False)


@pytest.mark.parametrize("is_known", [True, False], ids=["by its digest", "by its name"])
async def test_it_is_pulled_again(pushed: Pushed, *, is_known: bool) -> None:
    pushed.delete()

    async with engine_api() as api:
        await name_image(api, pushed.name, pushed.id, pushed.digest if is_known else None)

        assert await image_id_of(api, pushed.name) == pushed.id


async def test_another_one_that_took_its_tag_since_does_not_stand_for_it(pushed: Pushed) -> None:
    other = made_and_pushed(pushed.name).id
    pushed.delete()

    async with engine_api() as api:
        with pytest.raises(PortError, match="what has that name now is another one"):
            await name_image(api, pushed.name, pushed.id)
        await name_image(api, pushed.name, pushed.id, pushed.digest)

        assert await image_id_of(api, pushed.name) == pushed.id != other
    docker("rmi", "--force", other, check=False)


async def test_where_the_registry_is_away_it_is_said_what_to_do(pushed: Pushed) -> None:
    pushed.delete()
    script("registry", "stop")
    try:
        async with engine_api() as api:
            with pytest.raises(PortError, match="deleted from this host meanwhile") as caught:
                await name_image(api, pushed.name, pushed.id, pushed.digest)
    finally:
        script("registry")

    repository = pushed.name.rpartition(":")[0]
    assert f"docker pull {repository}@{pushed.digest}" in caught.value.hint
    assert caught.value.retryable


@asynccontextmanager
async def beside_a_proxy() -> AsyncIterator[EngineApi]:
    """As `engine_api`, which takes the sockets of a proxy in this process for left-overs."""
    api = EngineApi(ENGINE)
    try:
        yield api
    finally:
        await api.close()


async def test_a_registry_that_does_not_go_on_is_given_up(pushed: Pushed, tmp_path: Path) -> None:
    """The Engine itself would wait for ever, and then go on.

    How often it asks the registry is no promise: Docker 20.10 does not take back a request that is
    under way, and makes those for manifest and layers all the same, before it notices that nobody
    listens any more. What counts is that its pull has ended, and that no image came of it.
    """
    pushed.delete()
    registry, given_up = pushed.name.partition("/")[0], threading.Event()
    with proxy_before(f"http://{registry}") as proxy:
        proxy.fail("get", lambda _, forward: (given_up.wait(30), forward())[1])
        behind = pushed.name.replace(registry, proxy.endpoint.removeprefix("http://"))
        async with line_to_engine(tmp_path) as line:
            api = EngineApi(line.url)
            with pytest.raises(PortError, match="nothing came of it for 3 s"):
                await have_image(api, behind, pushed.digest, silent_within=3)
            given_up.set()
            await api.close()
            await line.is_over()
    assert proxy.requests
    assert pushed.id not in docker("images", "--quiet", "--no-trunc").decode().split()


async def test_a_download_that_stalls_is_broken_off_so_that_the_next_one_can_be_whole(
    sandbox: Sandbox,
) -> None:
    """Else the Engine would have the next one wait for the one that stalls."""
    name = f"{sandbox.registry}/akbot/large:1"
    image = made_and_pushed(name, size=100_000)
    image.delete()
    with proxy_before(f"http://{sandbox.registry}") as proxy:
        proxy.fail("get", stalled(60, after=100), skip=2, times=2)  # what it is, and what is in it
        behind = name.replace(sandbox.registry, proxy.endpoint.removeprefix("http://"))
        async with beside_a_proxy() as api:
            with pytest.raises(PortError, match="nothing came of it for 3 s"):
                await have_image(api, behind, image.digest, silent_within=3)
            await have_image(api, behind, image.digest, silent_within=30)

            assert await image_id_of(api, behind) == image.id
    docker("rmi", "--force", behind, check=False)


async def test_a_registry_that_is_slow_is_waited_for(pushed: Pushed) -> None:
    pushed.delete()
    registry = pushed.name.partition("/")[0]
    with proxy_before(f"http://{registry}") as proxy:
        proxy.write_slowly = 0.002
        behind = pushed.name.replace(registry, proxy.endpoint.removeprefix("http://"))
        async with beside_a_proxy() as api:
            await have_image(api, behind, pushed.digest, silent_within=30)

            assert await image_id_of(api, behind) == pushed.id
    docker("rmi", "--force", behind, check=False)
