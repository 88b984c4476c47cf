"""Files that are replaced, and a process that is killed before any one act of it."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bot.adapters import file_swap
from bot.domain.compose_edit import FileChange, digest
from bot.domain.errors import PortError, RefusedError

KEY = "20261123T033000Z-k3f9-1"
OLD = {"compose.yml": b"old: 1\r\n", "override.yml": b"other: 1"}
NEW = {"compose.yml": b"new: 2\r\n", "override.yml": b"another: 2"}

# Ends at the n-th act on a file, as a kill would, and prints "whole" where there was none left.
CHILD = """
import os, sys
from pathlib import Path
from bot.adapters import file_swap
from bot.domain.compose_edit import FileChange, digest
key, folder, number, doing, *words = sys.argv[1:]
given, wanted, seen, number = [], {}, 0, int(number)
for path, old, new in zip(words[::3], words[1::3], words[2::3]):
    given.append(FileChange(path, digest(old.encode()), digest(new.encode())))
    wanted[path] = new.encode()
def watch(event, arguments):
    global seen
    if event in {"open", "os.rename", "os.remove", "os.chown", "os.chmod"}:
        paths = [os.fsdecode(each) for each in arguments if isinstance(each, (str, bytes, Path))]
        by_number = event in {"os.chown", "os.chmod"}
        if not by_number and not any(folder in path for path in paths):
            return
        seen += 1
        if seen == number:
            os._exit(9)
sys.addaudithook(watch)
if doing == "apply":
    file_swap.stage(given, wanted, key)
    file_swap.swap(given, key)
else:
    file_swap.swap_back(given, key)
os._exit(0)
"""


def changes(folder: Path) -> tuple[FileChange, ...]:
    return tuple(
        FileChange(str(folder / name), digest(OLD[name]), digest(NEW[name])) for name in OLD
    )


def texts(folder: Path) -> dict[str, bytes]:
    return {str(folder / name): NEW[name] for name in NEW}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "project"
    place.mkdir()
    for name, content in OLD.items():
        (place / name).write_bytes(content)
        (place / name).chmod(0o640)
        os.chown(place / name, 1026, 100)
    return place


def apply(folder: Path) -> None:
    """As the adapter does it."""
    if not file_swap.is_staged(changes(folder), KEY):
        file_swap.stage(changes(folder), texts(folder), KEY)
    file_swap.swap(changes(folder), KEY)


def child(folder: Path, number: int, doing: str) -> int:
    files = [(str(folder / name), OLD[name].decode(), NEW[name].decode()) for name in OLD]
    words = [KEY, str(folder), str(number), doing, *(word for file in files for word in file)]
    return subprocess.run(
        [sys.executable, "-c", CHILD, *words], check=False, timeout=600
    ).returncode


def statuses(folder: Path) -> set[tuple[int, int, int]]:
    found = [(folder / name).stat() for name in OLD]
    return {(stat.S_IMODE(each.st_mode), each.st_uid, each.st_gid) for each in found}


def test_there_and_back(folder: Path) -> None:
    apply(folder)
    apply(folder)
    assert {name: contents(folder)[name] for name in NEW} == NEW
    assert statuses(folder) == {(0o640, 1026, 100)}
    assert sorted(contents(folder)) == sorted([*(f".akbot-{KEY}.{n}.old" for n in OLD), *OLD])

    assert file_swap.swap_back(changes(folder), KEY) == []
    assert file_swap.swap_back(changes(folder), KEY) == []
    assert contents(folder) == OLD
    assert statuses(folder) == {(0o640, 1026, 100)}


def test_what_was_there_before_can_be_had(folder: Path) -> None:
    apply(folder)

    assert file_swap.kept(changes(folder), KEY) == {str(folder / n): OLD[n] for n in OLD}

    (folder / f".akbot-{KEY}.{next(iter(OLD))}.old").write_bytes(b"another")
    with pytest.raises(RefusedError, match="is not kept any more"):
        file_swap.kept(changes(folder), KEY)


def test_what_lies_beside_is_as_private_as_the_file(folder: Path) -> None:
    file_swap.stage(changes(folder), texts(folder), KEY)

    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o640}
    file_swap.discard(changes(folder), KEY)
    file_swap.discard(changes(folder), KEY)
    assert contents(folder) == OLD


def test_after_discard_there_is_no_way_back(folder: Path) -> None:
    apply(folder)
    file_swap.discard(changes(folder), KEY)
    assert contents(folder) == NEW

    with pytest.raises(PortError, match="the old text beside it is gone"):
        file_swap.swap_back(changes(folder), KEY)
    assert contents(folder) == NEW


def test_a_file_that_is_another_than_planned_is_refused(folder: Path) -> None:
    (folder / "override.yml").write_bytes(b"edited")
    before = contents(folder)

    with pytest.raises(RefusedError, match=r'override.yml" is another than was planned'):
        apply(folder)
    file_swap.swap_back(changes(folder), KEY)

    assert contents(folder) == before


def test_what_is_edited_just_before_the_swap_is_not_lost(folder: Path) -> None:
    file_swap.stage(changes(folder), texts(folder), KEY)
    (folder / "compose.yml").write_bytes(b"edited")

    with pytest.raises(RefusedError, match="edited meanwhile"):
        apply(folder)
    [aside] = file_swap.swap_back(changes(folder), KEY)

    assert aside.read_bytes() == b"edited"
    assert contents(folder) == {**OLD, aside.name: b"edited"}


def test_what_is_edited_afterwards_is_kept_beside(folder: Path) -> None:
    apply(folder)
    (folder / "compose.yml").write_bytes(b"edited")

    assert file_swap.swap_back(changes(folder), KEY) == [folder / f"compose.yml.edited-{KEY}"]
    assert contents(folder) == {**OLD, f"compose.yml.edited-{KEY}": b"edited"}


def test_a_link_stays_one(folder: Path, tmp_path: Path) -> None:
    (folder / "compose.yml").rename(tmp_path / "real.yml")
    (folder / "compose.yml").symlink_to(tmp_path / "real.yml")

    apply(folder)

    assert (folder / "compose.yml").is_symlink()
    assert (tmp_path / "real.yml").read_bytes() == NEW["compose.yml"]
    file_swap.swap_back(changes(folder), KEY)
    assert (tmp_path / "real.yml").read_bytes() == OLD["compose.yml"]


def test_a_kill_before_any_act_can_be_finished_or_undone(folder: Path, tmp_path: Path) -> None:
    for number in range(1, 200):
        cut, other = tmp_path / f"{number}-on", tmp_path / f"{number}-back"
        shutil.copytree(folder, cut, copy_function=shutil.copy2)
        ended = child(cut, number, "apply")
        shutil.copytree(cut, other)
        apply(cut)
        assert {name: contents(cut)[name] for name in NEW} == NEW
        file_swap.swap_back(changes(cut), KEY)
        assert contents(cut) == OLD
        file_swap.swap_back(changes(other), KEY)
        assert contents(other) == OLD
        if ended == 0:
            break
    assert number > 20


def test_a_kill_in_the_undo_can_be_undone_further(folder: Path, tmp_path: Path) -> None:
    apply(folder)
    for number in range(1, 200):
        cut = tmp_path / str(number)
        shutil.copytree(folder, cut)
        ended = child(cut, number, "undo")
        file_swap.swap_back(changes(cut), KEY)
        assert contents(cut) == OLD
        if ended == 0:
            break
    assert number > 8
