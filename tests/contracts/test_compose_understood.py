"""What real Compose makes of changed files, and what becomes of them where it takes them not."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from bot.adapters import file_swap
from bot.adapters.compose_files import ProjectComposeFiles
from bot.adapters.compose_program import ComposeProgram
from bot.adapters.engine_api import EngineApi
from bot.domain.errors import PortError, RefusedError
from bot.domain.restore import Site
from bot.domain.versions import Family
from tests.domain.test_compose_edit import ANCHORED, BASE, MOUNTS, OFFICIAL, WITHOUT
from tests.domain.test_restore_recovery import SITE
from tests.sandbox.fixture import HERE, engine

__all__ = ["engine"]
CLIENT = HERE / ".cache" / "docker"
KEY = "20261123T033000Z-k3f9"
OLD, NO_REDIS, NEW = Family(2025, 8), Family(2025, 10), Family(2026, 2)

# Stands for `docker`: what it says of the files is in two files, by whether Redis is in them.
PROGRAM = """#!/bin/sh
if grep -q '^  redis:' "$HOME/compose.yml"; then cat "$HOME/before.json"; exit; fi
if [ ! -e "$HOME/after.json" ]; then echo "services.server must be a mapping" >&2; exit 15; fi
cat "$HOME/after.json"
"""
SERVER = {"environment": {"AUTHENTIK_REDIS__HOST": "redis"}}
BEFORE = {"services": {"server": SERVER, "worker": SERVER, "redis": {}, "postgresql": {}}}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "compose.yml").write_text(BASE)
    (tmp_path / "docker").write_text(PROGRAM)
    (tmp_path / "docker").chmod(0o755)
    (tmp_path / "before.json").write_text(json.dumps(BEFORE))
    files = (str(tmp_path / "compose.yml"),)
    return Site(**{**vars(SITE), "working_dir": str(tmp_path), "config_files": files})


async def no_image(site: Site) -> str:
    """No folder is moved here, so that none is needed."""
    raise AssertionError(site)


@pytest.fixture
def files(tmp_path: Path) -> ProjectComposeFiles:
    given = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)}
    compose = ComposeProgram(given, tmp_path / "compose.lock")
    return ProjectComposeFiles(EngineApi("unix:///nowhere"), compose, no_image)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def read(file: Path) -> str:
    return file.read_text()


def said(folder: Path) -> str:
    return read(folder / "compose.yml")


@pytest.mark.parametrize(
    ("after", "why"),
    [
        pytest.param(None, "services.server must be a mapping", id="it does not take them"),
        pytest.param(BEFORE, "something else", id="it finds the service elsewhere still"),
    ],
)
async def test_files_that_compose_takes_not_are_put_back(
    tmp_path: Path, site: Site, files: ProjectComposeFiles, after: Any, why: str
) -> None:
    if after:
        (tmp_path / "after.json").write_text(json.dumps(after))
    planned = await files.plan(site, OLD, NO_REDIS)
    assert planned is not None
    assert planned.change is not None
    before = names(tmp_path)

    with pytest.raises(RefusedError, match=why) as caught:
        await files.apply(site, planned.change, KEY)

    assert "Nothing was changed" in caught.value.hint
    assert (said(tmp_path), names(tmp_path)) == (BASE, before)


async def test_what_somebody_edits_meanwhile_is_kept_and_told(
    tmp_path: Path, site: Site, files: ProjectComposeFiles
) -> None:
    planned = await files.plan(site, OLD, NO_REDIS)
    assert planned is not None
    change = planned.change
    assert change is not None
    texts = {site.config_files[0]: WITHOUT.encode()}
    await asyncio.to_thread(file_swap.stage, change.files, texts, KEY)
    (tmp_path / "compose.yml").write_text("edited")

    with pytest.raises(RefusedError, match="edited meanwhile") as caught:
        await files.apply(site, change, KEY)

    aside = tmp_path / f"compose.yml.edited-{KEY}"
    assert caught.value.__notes__ == [f"What was edited meanwhile is kept as {aside}."]
    assert (said(tmp_path), read(aside)) == (BASE, "edited")


async def test_what_was_staged_is_finished_without_being_planned_again(
    tmp_path: Path, site: Site, files: ProjectComposeFiles
) -> None:
    (tmp_path / "after.json").write_text(json.dumps({"services": {"server": {}, "worker": {}}}))
    planned = await files.plan(site, OLD, NO_REDIS)
    assert planned is not None
    change = planned.change
    assert change is not None
    await files.apply(site, change, KEY)
    whole = said(tmp_path)
    await files.undo(site, change, KEY)
    assert said(tmp_path) == BASE

    texts = {site.config_files[0]: whole.encode()}
    await asyncio.to_thread(file_swap.stage, change.files, texts, KEY)
    (tmp_path / "before.json").write_text("no answer")
    await files.apply(site, change, KEY)

    assert said(tmp_path) == whole
    assert await files.undo(site, change, KEY) == []
    assert said(tmp_path) == BASE


async def test_a_file_that_is_not_there_is_told(
    tmp_path: Path, site: Site, files: ProjectComposeFiles
) -> None:
    (tmp_path / "compose.yml").unlink()

    with pytest.raises(PortError, match=r"compose\.yml") as caught:
        await files.plan(site, OLD, NO_REDIS)

    assert "under its own path" in caught.value.hint


LAYOUTS = {
    "official": OFFICIAL,
    "flow and short forms": BASE + "    volumes: ['./media:/media']\n",
    "anchors": ANCHORED.replace("  redis: {", "  postgresql: {image: p}\n  redis: {")
    + "    volumes: ['./media:/media']\n",
    "long forms": MOUNTS.replace("    volumes", "    image: x\n    volumes"),
}


@pytest.mark.docker
@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS.keys())
async def test_real_compose_makes_of_it_what_was_wanted(tmp_path: Path, text: str) -> None:
    file = tmp_path / "compose.yml"
    file.write_text(text)
    (tmp_path / ".env").write_text("PG_PASS=a\nAUTHENTIK_SECRET_KEY=b\n")
    given = {name: os.environ[name] for name in ("HOME", "PATH")}
    given |= {"PATH": f"{CLIENT}/bin:{given['PATH']}", "DOCKER_CONFIG": str(CLIENT)}
    compose = ComposeProgram(given, tmp_path / "compose.lock")
    tool = ProjectComposeFiles(EngineApi("unix:///nowhere"), compose, no_image)
    site = Site(**{**vars(SITE), "working_dir": str(tmp_path), "config_files": (str(file),)})

    planned = await tool.plan(site, OLD, NEW)
    assert planned is not None
    change = planned.change
    assert change is not None
    without_moves = type(change)(change.files, (), change.drops, OLD, NEW)
    before = json.loads(await compose.run(site, "config", "--format", "json", within=60))
    await tool.apply(site, without_moves, KEY)

    after = json.loads(await compose.run(site, "config", "--format", "json", within=60))
    assert await tool.plan(site, OLD, NEW) is None
    for name, service in after["services"].items():
        if name not in site.services:
            assert service == before["services"][name]
            continue
        assert service["shm_size"] == str(512 * 1024 * 1024)
        targets = {mount["target"] for mount in service.get("volumes") or ()}
        assert "/media" not in targets
    assert await tool.undo(site, without_moves, KEY) == []
    assert file.read_text() == text
