"""An image that is here says what it is, and is not started for that."""

from collections.abc import AsyncIterator

import pytest

from bot.adapters.engine_api import EngineApi
from bot.adapters.image_file import PulledImages
from bot.domain.image_name import parse_image_name
from bot.domain.version_file import VersionFile
from bot.domain.versions import Family
from tests.contracts.stacks import docker
from tests.sandbox.fixture import script

pytestmark = pytest.mark.docker
PLACE = "127.0.0.1:5000/goauthentik/server"
NAME = parse_image_name(PLACE)


@pytest.fixture
async def engine() -> AsyncIterator[EngineApi]:
    api = EngineApi("unix:///var/run/docker.sock")
    yield api
    await api.close()


async def test_what_an_image_says_once_it_is_here(engine: EngineApi) -> None:
    script("engine")
    script("standins", "goauthentik/server:2026.8.3")
    reference = f"{PLACE}:2026.8.3"
    docker("pull", "--quiet", reference)
    repo_digest = docker("image", "inspect", "--format", "{{index .RepoDigests 0}}", reference)
    digest = repo_digest.decode().strip().rpartition("@")[2]
    images = PulledImages(engine)
    before = docker("ps", "--all", "--quiet")

    said = await images.version_file(NAME, digest)

    assert said == VersionFile("2026.8.3", Family(2026, 5))
    assert docker("ps", "--all", "--quiet") == before
    docker("image", "rm", reference)
    assert await images.version_file(NAME, digest) is None
    assert await images.version_file(NAME, "sha256:" + "0" * 64) is None
