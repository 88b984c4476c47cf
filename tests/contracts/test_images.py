"""An image that somebody has deleted is had again, exactly that one, or it is said why not."""

import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from bot.adapters.engine_api import EngineApi
from bot.adapters.images import have_image, image_id_of, name_image
from bot.domain.errors import PortError
from tests.contracts.s3_proxy import proxy_before
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


def empty_image(name: str, label: str) -> str:
    """Make and push an image that has nothing but a *label*; its id."""
    nothing = subprocess.run(
        ["tar", "--create", "--files-from=/dev/null"], capture_output=True, check=True
    )
    docker("import", "--change", f"LABEL of={label}", "-", name, stdin=nothing.stdout)
    docker("push", "--quiet", name)
    return str(inspect(name)["Id"])


@pytest.fixture
def pushed(sandbox: Sandbox) -> Iterator[Pushed]:
    name = f"{sandbox.registry}/akbot/empty:1"
    image_id = empty_image(name, "one")
    digest = str(inspect(name)["RepoDigests"][0]).partition("@")[2]
    yield Pushed(name, image_id, digest)
    docker("rmi", "--force", name, check=False)


@pytest.mark.parametrize("is_known", [True, False], ids=["by its digest", "by its name"])
async def test_it_is_pulled_again(pushed: Pushed, *, is_known: bool) -> None:
    pushed.delete()

    async with engine_api() as api:
        await name_image(api, pushed.name, pushed.id, pushed.digest if is_known else None)

        assert await image_id_of(api, pushed.name) == pushed.id


async def test_another_one_that_took_its_tag_since_does_not_stand_for_it(pushed: Pushed) -> None:
    other = empty_image(pushed.name, "two")
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


async def test_a_registry_that_does_not_go_on_is_given_up(pushed: Pushed) -> None:
    """The Engine itself would wait for ever; it stops when nobody listens any more."""
    pushed.delete()
    registry, asked_again = pushed.name.partition("/")[0], threading.Event()
    with proxy_before(f"http://{registry}") as proxy:
        proxy.fail("get", lambda _, forward: (asked_again.wait(30), forward())[1], times=100)
        behind = pushed.name.replace(registry, proxy.endpoint.removeprefix("http://"))
        async with beside_a_proxy() as api:
            with pytest.raises(PortError, match="nothing came of it for 3 s"):
                await have_image(api, behind, pushed.digest, silent_within=3)
            asked_again.set()
    assert len(proxy.requests) < 3, "one that it was about to make, but no pull"


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
