"""What every registry promises: the fake, a strict one over HTTP, and Debian's docker-registry."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.adapters.registry import HttpRegistry
from bot.adapters.registry_cache import RegistryCache
from bot.adapters.registry_login import DockerLogins
from bot.adapters.state_folder import StateFolder
from bot.domain.errors import PortError, RefusedError
from bot.domain.image_name import ImageName, parse_image_name
from bot.domain.registry_answers import Platform, RegistryImage
from bot.domain.versions import releases
from bot.services.update_ports import ImageRegistry
from tests.fakes_stack import NOW, FakeClock
from tests.fakes_update import FakeRegistry
from tests.registry_server import RegistryServer, registry_server
from tests.sandbox.fixture import script

TAGS = ("2025.2.1", "2025.2.4")
HERE = Platform("linux", "amd64")
LABEL = "org.opencontainers.image.version"


@dataclass
class Place:
    """A registry, and the repository that holds `TAGS`."""

    registry: ImageRegistry
    name: ImageName


def made_for_a_test(folder: Path, endpoint: str = "") -> HttpRegistry:
    cache = RegistryCache(StateFolder(folder / "state"))
    return HttpRegistry(endpoint, DockerLogins(folder), cache, FakeClock())


@pytest.fixture
def server() -> Iterator[RegistryServer]:
    with registry_server() as server:
        yield server


@pytest.fixture(
    params=["fake", "strict", pytest.param("docker-registry", marks=pytest.mark.docker)]
)
async def place(
    request: pytest.FixtureRequest, tmp_path: Path, server: RegistryServer
) -> AsyncIterator[Place]:
    if request.param == "fake":
        name = parse_image_name("registry.test/goauthentik/server")
        images = {
            tag: RegistryImage(f"sha256:{number:064}", 1, NOW, {LABEL: f"refs/tags/version/{tag}"})
            for number, tag in enumerate(TAGS)
        }
        yield Place(FakeRegistry(name, images), name)
        return
    if request.param == "strict":
        server.wants_tokens()
        for tag in TAGS:
            server.add(tag, "amd64", "arm64")
        host = server.host
    else:
        script("engine")
        script("standins", *(f"goauthentik/server:{tag}" for tag in TAGS))
        host = "127.0.0.1:5000"
    registry = made_for_a_test(tmp_path)
    yield Place(registry, parse_image_name(f"{host}/goauthentik/server"))
    await registry.close()


async def test_the_tags(place: Place) -> None:
    tags = await place.registry.tags(place.name)

    assert {str(each) for each in releases(tags)} >= set(TAGS)


async def test_an_image_and_what_its_tag_means(place: Place) -> None:
    images = [await place.registry.image(place.name, tag, HERE) for tag in TAGS]
    digests = [await place.registry.digest(place.name, tag) for tag in TAGS]

    assert [image and image.digest for image in images] == digests
    assert len({*digests}) == len(TAGS)
    for image, tag in zip(images, TAGS, strict=True):
        assert image
        assert image.labels[LABEL] == f"refs/tags/version/{tag}"
        assert image.size > 0
        assert image.made


async def test_a_tag_that_is_not_there(place: Place) -> None:
    assert await place.registry.digest(place.name, "2025.2.99") is None
    assert await place.registry.image(place.name, "2025.2.99", HERE) is None


async def test_an_image_for_another_machine_is_refused(place: Place) -> None:
    with pytest.raises(RefusedError, match="has no image for linux/s390x"):
        await place.registry.image(place.name, TAGS[0], Platform("linux", "s390x"))


async def test_a_repository_that_is_not_there(place: Place) -> None:
    name = parse_image_name(f"{place.name.registry}/goauthentik/nothing")

    with pytest.raises(PortError, match="there is no such repository"):
        await place.registry.tags(name)
