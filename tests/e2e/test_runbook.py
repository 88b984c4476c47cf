"""The runbook is followed as it is printed, on the real stack: no program of ours takes part.

What comes back is compared with the moment of the backup: a hash of every row of every table,
every file's content, mode and owner.
"""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e import stranger
from tests.e2e.akbot import Akbot
from tests.e2e.recovery import OPEN, STACK, UP, State, left_over, opened
from tests.sandbox.fixture import Sandbox

pytestmark = pytest.mark.docker

LIVE = "Restore on the live stack"
EMPTY = "Restore on an empty host"
COMPONENT = "Restore one component"
CHAPTERS = (OPEN, LIVE, EMPTY, COMPONENT)


def damage(sandbox: Sandbox) -> State:
    """Rows and files deleted, changed and added."""
    sandbox.psql("""
        DELETE FROM authentik_core_user_ak_groups;
        UPDATE authentik_core_user SET name = 'changed', password = 'changed';
        INSERT INTO authentik_core_group (group_uuid, name, is_superuser, attributes)
          VALUES (gen_random_uuid(), 'written since', false, '{}');
        CREATE TABLE written_since (id int);
    """)
    media = sandbox.mounts / "authentik" / "media"
    first, second, *_ = sorted(path for path in media.rglob("*") if path.is_file())
    first.unlink()
    second.chmod(0o777)
    second.write_text("changed")
    (media / "written since").write_text("x")
    (sandbox.mounts / "authentik" / "certs" / "written since").mkdir()
    sandbox.redis("set", "test:since", "x")
    env = sandbox.project / ".env"
    env.write_text(
        env.read_text().replace("\nAUTHENTIK_TAG=2025.2.1\n", "\nAUTHENTIK_TAG=2025.2.4\n")
    )
    return State.of(sandbox)


def without_versions(state: State) -> State:
    """But for the row that a newer version writes as it starts."""
    history = "public.authentik_version_history"
    return replace(state, tables={k: v for k, v in state.tables.items() if k != history})


def test_the_live_stack_comes_back_and_there_is_a_way_back(
    stack: Sandbox, akbot: Akbot, tmp_path: Path
) -> None:
    before = State.of(stack)
    reader = opened(stack, akbot, tmp_path)
    damaged = damage(stack)
    sessions = stranger.redis_keys(stack)

    said = reader.follow(LIVE, "Load beside what runs", "Compare with the manifest")
    assert f"ALL {len(before.tables) - 1} TABLES AGREE" in said  # and a materialized view
    assert State.of(stack) == damaged
    reader.follow(
        LIVE,
        "Optional: forget the task queue",
        "Pull the image",
        "Make the files ready",
        "Take Authentik down",
    )
    reader.follow(LIVE, "Swap")
    assert State.of(stack) == before
    assert stranger.redis_keys(stack) == []
    assert "AUTHENTIK ANSWERS" in reader.follow(LIVE, "Start")
    assert State.of(stack) == before
    running = stack.compose("ps", "--quiet")
    stack.compose(*UP[:3], *STACK)
    assert stack.compose("ps", "--quiet") == running

    assert "AS IT WAS BEFORE" in reader.follow(LIVE, "The way back")
    assert without_versions(State.of(stack)) == without_versions(damaged)
    assert set(sessions) <= set(stranger.redis_keys(stack))
    reader.follow(LIVE, "Tidy up")
    assert left_over(stack) == []
    assert not Path(reader.values["WORK"]).exists()

    # and once more, to stay: what is tidied up can be done again
    again = reader.with_values(JOB="again")
    again.follow(OPEN, "Fetch it", "Is it yours?", "Open it")
    again.follow(
        LIVE,
        "Load beside what runs",
        "Pull the image",
        "Make the files ready",
        "Take Authentik down",
        "Swap",
        "Start",
    )
    again.follow(LIVE, "Tidy up")
    assert State.of(stack) == before
    assert reader.left(LIVE) == []


def test_an_empty_host(stack: Sandbox, akbot: Akbot, tmp_path: Path) -> None:
    before = State.of(stack)
    reader = opened(stack, akbot, tmp_path)
    everything = set(stack.project.iterdir())
    stack.compose("down", "--volumes")
    for folder in (stack.project, stack.mounts):
        shutil.rmtree(folder)

    reader.follow(EMPTY, "Compose files and settings")
    assert everything == set(stack.project.iterdir())
    reader.follow(EMPTY, "Folders and containers", "Files")
    said = reader.follow(EMPTY, "Database")
    assert f"ALL {len(before.tables) - 1} TABLES AGREE" in said
    assert State.of(stack) == before
    reader.follow(EMPTY, "Start")

    assert State.of(stack) == before
    assert reader.left(EMPTY) == []


def test_one_component(stack: Sandbox, akbot: Akbot, tmp_path: Path) -> None:
    before = State.of(stack)
    reader = opened(stack, akbot, tmp_path).with_values(JOB="files", COMPONENT="media")
    media = stack.mounts / "authentik" / "media"
    shutil.rmtree(media / "public")
    (media / "written since").write_text("x")
    damaged = State.of(stack)

    reader.follow(COMPONENT, "Make it ready", "Swap")
    assert State.of(stack) == before
    reader.follow(COMPONENT, "The way back")
    assert State.of(stack) == damaged

    again = reader.with_values(JOB="again")
    again.follow(COMPONENT, "Make it ready", "Swap")
    for folder in media.parent.glob("media.*"):
        shutil.rmtree(folder)
    assert reader.left(COMPONENT) == []
