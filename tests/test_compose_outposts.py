"""Which image Compose would make outposts of with another tag; a script stands for `docker`."""

from pathlib import Path

import pytest

from bot.adapters.compose_drift import DockerDrift
from bot.adapters.compose_program import ComposeProgram
from bot.adapters.engine_api import EngineApi
from bot.domain.errors import PortError
from bot.domain.outposts import ProjectOutpost
from tests.fake_compose import program_that_says
from tests.fakes_engine_api import engine_api
from tests.fakes_stack import make_stack

# The environment goes before `.env`, as it does with Compose.
PROGRAM = """#!/bin/sh
[ -e "$HOME/fails" ] && { echo "no such file" >&2; exit 9; }
tag=${AUTHENTIK_TAG:-$(sed -n 's/^AUTHENTIK_TAG=//p' "$HOME/.env")}
echo '{"services": {"server": {"image": "g/server:'$tag'"}, "proxy": {"image": "g/proxy:'$tag'"},'
echo '"ldap": {"image": "g/ldap:2025.2.1"}, "rac": {"image": "g/rac:2025.2.1"}}}'
"""
ENV = b"AUTHENTIK_TAG=2025.2.1\n"


@pytest.fixture
def program(tmp_path: Path) -> ComposeProgram:
    return program_that_says(PROGRAM, tmp_path, ENV)


async def asked(program: ComposeProgram, *running: str) -> list[ProjectOutpost]:
    with engine_api("server", "proxy", "ldap", "rac", running=running) as address:
        api = EngineApi(address)
        try:
            return [*await DockerDrift(api, program).outposts(make_stack(), "2025.4.4")]
        finally:
            await api.close()


def files(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}


async def test_each_that_runs_with_that_tag_and_nothing_is_written(
    program: ComposeProgram, tmp_path: Path
) -> None:
    before = files(tmp_path)

    found = await asked(program, "server", "proxy", "ldap")

    assert found == [
        ProjectOutpost("ldap", "g/ldap:2025.2.1"),
        ProjectOutpost("proxy", "g/proxy:2025.4.4"),
    ]
    assert files(tmp_path) == {**before, "compose.lock": b""}


async def test_one_that_is_in_no_file_any_more_has_no_image(program: ComposeProgram) -> None:
    script = Path(program.environment["PATH"].partition(":")[0]) / "docker"
    script.write_text(PROGRAM.replace('"ldap": {"image": "g/ldap:2025.2.1"}, ', ""))

    assert await asked(program, "ldap") == [ProjectOutpost("ldap", "")]


async def test_without_an_outpost_compose_is_not_asked(
    program: ComposeProgram, tmp_path: Path
) -> None:
    (tmp_path / "fails").touch()

    assert await asked(program, "server") == []
    with pytest.raises(PortError, match="no such file"):
        await asked(program, "proxy")
