"""A login that Docker's configuration leaves to a program: where that is missing, it is said."""

import json
from pathlib import Path

import pytest

from bot.adapters.engine_api import EngineApi
from bot.adapters.images import have_image
from bot.domain.errors import PortError
from tests.sandbox.fixture import script

pytestmark = pytest.mark.docker

IMAGE = "127.0.0.1:5000/private/server:1"
CONFIGS = {
    "for all": {"credsStore": "akbot-test-missing"},
    "for that registry": {"credHelpers": {"127.0.0.1:5000": "akbot-test-missing"}},
    "one that fails": {"credsStore": "akbot-test-fails"},
}


@pytest.mark.parametrize("config", CONFIGS)
async def test_a_helper_that_gives_no_login_is_named_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str
) -> None:
    script("engine")
    helper = tmp_path / "docker-credential-akbot-test-fails"
    helper.write_text("#!/bin/sh\necho it is locked\nexit 1\n")
    helper.chmod(0o755)
    (tmp_path / "config.json").write_text(json.dumps(CONFIGS[config]))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    api = EngineApi("unix:///var/run/docker.sock")

    with pytest.raises(PortError, match="leaves the login to a credential helper") as caught:
        await have_image(api, IMAGE)

    await api.close()
    assert "docker-credential-akbot-test-" in str(caught.value)
    assert caught.value.hint.startswith(f'Run "docker pull {IMAGE}" where the helper works')
