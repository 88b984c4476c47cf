"""Files that are mounted alone: laid on the empty host before the container that has them."""

from dataclasses import replace

import pytest

from bot.adapters.journal import Journal
from bot.domain.config_diff import MOST_BYTES
from bot.domain.errors import IntegrityError, PortError
from bot.domain.layout import DataFolder, read_layout
from bot.domain.project import Project, ProjectFile
from bot.domain.single_files import SingleFile, lay_single_files, single_file_in
from tests.domain.test_layout import NAMES as SERVICES
from tests.domain.test_layout import config, mount
from tests.fakes_bootstrap import PLACE, bind
from tests.fakes_stack import tar_of
from tests.services.bootstrap_world import BootstrapWorld, empty_world

CSS = b".pf-c-page { color: red }"
INSIDE = "/web/dist/custom.css"


async def world_with(source: str, *, content: bytes = CSS) -> BootstrapWorld:
    world = await empty_world(single={INSIDE: content})
    server = world.ground.config["services"]["authentik"]
    server["volumes"].append({**bind(source, INSIDE), "read_only": True})
    return world


async def test_one_in_the_projects_folder_is_laid_with_it() -> None:
    world = await world_with(f"{PLACE}/theme/custom.css")

    await world.bootstrap()

    laid = world.place.files["theme/custom.css"]
    assert (laid.content, laid.mode) == (CSS, 0o644)
    assert "theme/custom.css" in [each.name for each in world.previews[0].project.files]
    assert world.host.running


async def test_one_elsewhere_is_left_to_a_person_who_is_told() -> None:
    world = await world_with("/etc/authentik/custom.css")

    await world.bootstrap()

    [warning] = [each for each in world.previews[0].warnings if "single file" in each]
    assert '"/etc/authentik/custom.css" is mounted, and not restored: put it there' in warning
    assert set(world.place.files) == {"docker-compose.yml", ".env", "akbot.env"}


async def test_a_bootstrap_that_failed_goes_on_over_what_it_has_laid(journal: Journal) -> None:
    world = replace(await world_with(f"{PLACE}/custom.css"), journal=journal.jobs)
    world.host.fails = {"up"}
    with pytest.raises(PortError, match="up"):
        await world.bootstrap()
    assert "custom.css" in world.place.files
    world.host.fails = set()

    await world.bootstrap()

    assert world.host.running


def test_what_an_archive_holds() -> None:
    assert single_file_in(tar_of({}, root="media")) is None
    assert single_file_in(tar_of({"a": b"x"}, root="media")) is None
    found = single_file_in(tar_of({"custom.css": CSS}))
    assert found
    assert found.content == CSS
    large = tar_of({"large": bytes(MOST_BYTES + 1)})[:MOST_BYTES]
    assert single_file_in(large) == SingleFile(None, 0o644, 0, 0)
    with pytest.raises(IntegrityError, match="read a mounted file"):
        single_file_in(b"no archive" * 100)


def test_none_is_made_as_a_folder_and_no_file_of_the_project_is_replaced() -> None:
    volumes = [mount("/p/custom.css", "/custom.css"), mount("/p/.env", "/x"), mount("/m", "/media")]
    layout = read_layout(config(server={"volumes": volumes}), SERVICES, "/p", "/var/lib/akbot")
    env = ProjectFile(".env", b"PG_PASS=x", 0o600, 0, 0)
    found = {
        "/p/custom.css": SingleFile(CSS, 0o644, 1, 2),
        "/p/.env": SingleFile(b"", 0o644, 0, 0),
        "/p/../etc/shadow": SingleFile(CSS, 0o644, 0, 0),
    }

    project, laid, by_hand = lay_single_files(
        Project("/p", (env,), ("docker-compose.yml",)), layout, found
    )

    assert project.files == (env, ProjectFile("custom.css", CSS, 0o644, 1, 2))
    assert laid.folders == (DataFolder("/m"),)
    assert len(by_hand) == 1
    assert "/p/../etc/shadow" in by_hand[0]
