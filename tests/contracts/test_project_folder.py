"""The project's folder on a real disk."""

import asyncio
from pathlib import Path

import pytest

from bot.adapters.project_folder import WORKSHOP, ProjectFolder
from bot.domain.errors import PortError
from bot.domain.pause import RESTORED
from bot.domain.project import ProjectFile


def file(name: str, content: bytes = b"x\n", mode: int = 0o644) -> ProjectFile:
    return ProjectFile(name, content, mode, 1026, 100)


FILES = [file("docker-compose.yml"), file("deploy/more.yml"), file(".env", b"A=1\n", 0o600)]


async def test_what_is_laid_is_known_again(tmp_path: Path) -> None:
    folder = ProjectFolder(tmp_path, tmp_path / "identity.txt")
    (tmp_path / "identity.txt").write_text("key")
    (tmp_path / WORKSHOP).mkdir()
    (tmp_path / WORKSHOP / "journal.db").write_text("")
    await folder.lay([file(RESTORED)])
    assert await asyncio.to_thread(folder.strange) == ""

    await folder.lay(FILES)

    assert await folder.fingerprints() == {each.name: each.fingerprint for each in FILES}
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "docker-compose.yml").stat().st_mode & 0o777 == 0o644


async def test_a_draft_that_a_kill_has_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / ".env.akbot-new").write_text("half")
    folder = ProjectFolder(tmp_path)

    assert await folder.fingerprints() == {}
    await folder.lay(FILES)

    assert (tmp_path / ".env").read_text() == "A=1\n"
    assert not (tmp_path / ".env.akbot-new").exists()


async def test_what_is_no_file_is_in_the_way_too(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    (tmp_path / "file").symlink_to("/etc/passwd")

    assert await ProjectFolder(tmp_path).fingerprints() == {"link": "", "file": ""}


def test_the_first_stranger_is_named(tmp_path: Path) -> None:
    assert ProjectFolder(tmp_path / "new").strange() == ""
    (tmp_path / "link").symlink_to("/etc")

    assert ProjectFolder(tmp_path).strange() == "link"


async def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "project"
    outside.mkdir()
    folder.mkdir()
    (folder / "deploy").symlink_to(outside)

    with pytest.raises(PortError, match="leads out of the folder"):
        await ProjectFolder(folder).lay(FILES)

    assert list(outside.iterdir()) == []


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(PortError, match=r"File exists|Not a directory") as failed:
        await ProjectFolder(tmp_path / "file").lay(FILES)

    assert "--project-dir" in failed.value.hint


async def test_a_project_lies_for_the_moment_under_its_own_name(tmp_path: Path) -> None:
    place = tmp_path / "authentik"
    place.mkdir()

    async with ProjectFolder(place).drafted(FILES) as draft:
        assert draft.name == "authentik"
        assert draft.is_relative_to(place / WORKSHOP)
        assert draft.stat().st_mode & 0o777 == 0o700
        assert (draft / "deploy" / "more.yml").exists()

    assert not draft.exists()
