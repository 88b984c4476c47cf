"""A backup that this host has signed, whose archive would be written elsewhere: nothing is."""

from pathlib import Path

import pytest
import zstandard

from tests.e2e.aftermath import throw_aways
from tests.e2e.akbot import Akbot
from tests.e2e.damaged import StoredSet
from tests.e2e.test_restore import assert_untouched, containers, files, folder_of
from tests.hostile_archives import ATTACKS, hostile
from tests.sandbox.fixture import Sandbox
from tests.thorough import a_few

pytestmark = pytest.mark.docker


@pytest.fixture
def to_folder(akbot: Akbot, tmp_path: Path) -> Akbot:
    return akbot.with_settings(AKBOT_STORE=f"file://{tmp_path / 'store'}")


def attacked(stack: Sandbox, tmp_path: Path, out: Path) -> list[Path]:
    """Whatever was written where no restore has anything to write."""
    beside = [*stack.mounts.rglob("attacked"), *tmp_path.rglob("attacked"), *out.iterdir()]
    return beside + [each for each in map(Path, ("/attacked", "/tmp/attacked")) if each.exists()]


@pytest.mark.parametrize("name", a_few(ATTACKS, of={"parent", "through a link", "device"}))
def test_a_hostile_archive_is_refused_and_writes_nothing(
    stack: Sandbox, to_folder: Akbot, tmp_path: Path, name: str
) -> None:
    attack, out = ATTACKS[name], tmp_path / "out"
    out.mkdir()
    backup_id = to_folder.backup("--component", "media")["id"]
    archive = zstandard.ZstdCompressor().compress(hostile(attack, str(out)))
    stored = StoredSet(stack, to_folder, folder_of(tmp_path, backup_id))
    stored.replace("media", archive, size=len(archive))
    before, running = files(stack), containers(stack)

    ended = to_folder("restore", backup_id, "--component", "media", "--yes", "--no-safety-backup")

    assert_untouched(stack, ended, 3, 'component "media": ', attack.words, "Nothing was changed.")
    assert (files(stack), containers(stack)) == (before, running)
    assert not attacked(stack, tmp_path, out)
    assert not throw_aways(stack)
