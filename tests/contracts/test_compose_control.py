"""The tag in Compose's env file, and runs of Compose that outlive whoever began them."""

import asyncio
import os
import signal
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.compose import ComposeControl
from bot.adapters.compose_program import ComposeProgram
from bot.adapters.engine_api import EngineApi
from bot.domain.errors import PortError, RefusedError
from bot.domain.restore import TagChange
from tests.domain.test_restore_recovery import SITE
from tests.fake_compose import program_that_says
from tests.fakes_engine_api import engine_api

TEXT = b"# ours\nPG_PASS='se$cret'\nAUTHENTIK_TAG=2025.2.4 # pinned\n\n\xff=1"

# Stands for `docker`: prints what Compose would, by the tag in the env file that it is given.
PROGRAM = """#!/bin/sh
echo "$@" >>"$HOME/arguments"
file=$HOME/.env
for word in "$@"; do [ "$last" = --env-file ] && file=$word; last=$word; done
tag=$(sed -n 's/^AUTHENTIK_TAG=\\([^ ]*\\).*/\\1/p' "$file")
[ -e "$HOME/pinned" ] && tag=pinned
[ -e "$HOME/kills" ] && [ "$file" != "$HOME/.env" ] && kill -9 $PPID
[ -e "$HOME/fails" ] && { echo "no such thing" >&2; exit 9; }
cp "$file" "$HOME/tried"
echo '{"services": {"server": {"image": "g/s:'$tag'", "environment": {"A": "1"}},'
echo '"worker": {"image": "g/s:'$tag'"}}}'
env | grep -v -e ^PWD -e ^SHLVL -e ^_ | sort >"$HOME/environment"
[ -e "$HOME/hangs" ] && sleep 3
touch "$HOME/ended"
exit 0
"""


@pytest.fixture
def program(tmp_path: Path) -> ComposeProgram:
    return program_that_says(PROGRAM, tmp_path, TEXT)


@pytest.fixture
def control(tmp_path: Path, program: ComposeProgram) -> ComposeControl:
    site = replace(SITE, working_dir=str(tmp_path))
    return ComposeControl(EngineApi("unix:///nowhere"), program, site)


def read(file: str | Path) -> bytes:
    return Path(file).read_bytes()


def files_in(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def trials(folder: Path) -> list[Path]:
    return list(folder.glob(".env.*"))


async def test_what_runs_already_needs_no_change(control: ComposeControl) -> None:
    assert await control.tag_change("g/s:2025.2.4") is None


async def test_the_change_is_tried_and_nothing_is_left_of_the_trial(
    control: ComposeControl, tmp_path: Path
) -> None:
    change = await control.tag_change("g/s:2025.2.1")

    file = str(tmp_path / ".env")
    assert change == TagChange(file, "AUTHENTIK_TAG", "2025.2.4", "2025.2.1")
    assert read(file) == TEXT
    assert not trials(tmp_path)


async def test_a_tag_that_compose_does_not_read_is_refused(
    control: ComposeControl, tmp_path: Path
) -> None:
    (tmp_path / "pinned").touch()

    with pytest.raises(RefusedError, match="whatever AUTHENTIK_TAG"):
        await control.tag_change("g/s:2025.2.1")

    assert (tmp_path / ".env").read_bytes() == TEXT
    assert not trials(tmp_path)


async def test_only_the_tag_is_written_and_the_way_back_gives_the_same_bytes(
    control: ComposeControl, tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    file.chmod(0o640)
    os.chown(file, 1026, 100)
    change = TagChange(str(file), "AUTHENTIK_TAG", "2025.2.4", "2025.2.1")

    await control.write_tag(change)

    status = file.stat()
    assert file.read_bytes() == TEXT.replace(b"2025.2.4", b"2025.2.1")
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o640, 1026, 100)
    await control.write_tag(change.back)
    await control.write_tag(change.back)
    assert file.read_bytes() == TEXT
    assert not trials(tmp_path)


async def test_a_digest_behind_the_tag_comes_back(control: ComposeControl, tmp_path: Path) -> None:
    file, digest = tmp_path / ".env", b"2025.2.4@sha256:" + b"0a" * 32
    pinned = TEXT.replace(b"2025.2.4", digest)
    file.write_bytes(pinned)

    change = await control.tag_change("g/s:2025.2.1")

    assert change is not None
    await control.write_tag(change)
    assert file.read_bytes() == TEXT.replace(b"2025.2.4", b"2025.2.1")
    await control.write_tag(change.back)
    assert file.read_bytes() == pinned


async def test_a_tag_that_could_not_be_put_back_is_refused(
    control: ComposeControl, tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    file.write_bytes(TEXT.replace(b"2025.2.4", b"${VERSION}"))
    before = file.read_bytes()

    with pytest.raises(RefusedError, match="nobody could put back"):
        await control.tag_change("g/s:2025.2.1")

    assert file.read_bytes() == before


async def test_a_link_stays_one_and_its_file_is_written(
    control: ComposeControl, tmp_path: Path
) -> None:
    (tmp_path / ".env").rename(tmp_path / "real")
    (tmp_path / ".env").symlink_to("real")

    await control.write_tag(TagChange(str(tmp_path / ".env"), "AUTHENTIK_TAG", "2025.2.4", "3"))

    assert (tmp_path / ".env").is_symlink()
    assert b"AUTHENTIK_TAG=3 # pinned" in (tmp_path / "real").read_bytes()


async def test_a_tag_that_was_not_there_goes_again(control: ComposeControl, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"A=1\n")
    change = TagChange(str(file), "AUTHENTIK_TAG", None, "2025.2.1")

    await control.write_tag(change)
    assert file.read_bytes() == b"A=1\nAUTHENTIK_TAG=2025.2.1\n"
    await control.write_tag(change.back)
    assert file.read_bytes() == b"A=1\n"


async def test_compose_is_told_the_projects_files_and_nothing_of_our_environment(
    control: ComposeControl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTHENTIK_TAG", "ours")

    await control.start()

    assert (tmp_path / "arguments").read_text() == (
        f"compose --project-name authentik --project-directory {tmp_path}"
        " --file /srv/docker-compose.yml up --no-recreate --pull never --no-build --detach"
        " server worker\n"
    )
    names = [line.partition("=")[0] for line in (tmp_path / "environment").read_text().splitlines()]
    assert names == ["HOME", "PATH"]


async def test_texts_are_read_in_the_place_of_the_files(
    program: ComposeProgram, tmp_path: Path
) -> None:
    """Several, in their order, from no disk."""
    (tmp_path / "bin" / "docker").write_text(
        '#!/bin/sh\nfor word in "$@"; do [ "$last" = --file ] && cat "$word"'
        ' && echo "$word" >>"$HOME/paths"; last=$word; done\n'
    )
    site = replace(SITE, working_dir=str(tmp_path))

    out = await program.run(site, "config", texts=[b"one\n", b"two\n"], within=10)

    assert out == b"one\ntwo\n"
    assert all(each.startswith("/proc/") for each in (tmp_path / "paths").read_text().split())


async def test_outposts_are_started_beside_server_and_worker(
    program: ComposeProgram, tmp_path: Path
) -> None:
    site = replace(SITE, working_dir=str(tmp_path), outposts=("proxy",))

    await ComposeControl(EngineApi("unix:///nowhere"), program, site).start()

    asked = (tmp_path / "arguments").read_text()
    assert asked.endswith("up --no-recreate --pull never --no-build --detach server worker proxy\n")


async def test_outposts_of_a_tag_that_was_not_set_are_those_that_the_files_name(
    program: ComposeProgram, tmp_path: Path
) -> None:
    site = replace(SITE, working_dir=str(tmp_path), outposts=("worker",))
    change = TagChange(str(tmp_path / ".env"), "AUTHENTIK_TAG", "2025.2.4", None)

    with engine_api() as host, pytest.raises(PortError):  # it has no image, and can pull none
        await ComposeControl(EngineApi(host), program, site).pull_outposts(change)

    assert b"AUTHENTIK_TAG" not in read(tmp_path / "tried")


async def test_what_is_created_is_what_would_be_started(
    program: ComposeProgram, tmp_path: Path
) -> None:
    site = replace(SITE, working_dir=str(tmp_path), outposts=("proxy",))

    await ComposeControl(EngineApi("unix:///nowhere"), program, site).create()

    asked = (tmp_path / "arguments").read_text()
    assert asked.endswith("create --no-recreate --pull never --no-build server worker proxy\n")


async def test_its_last_words_are_told(control: ComposeControl, tmp_path: Path) -> None:
    (tmp_path / "fails").touch()
    with pytest.raises(PortError, match="docker compose up: no such thing"):
        await control.start()


async def test_without_a_client_it_says_what_to_install(tmp_path: Path) -> None:
    program = ComposeProgram({"PATH": str(tmp_path)}, tmp_path / "compose.lock")

    with pytest.raises(PortError, match="No such file") as caught:
        await program.variable(SITE, "server", "A")

    assert "Install the Docker client" in caught.value.hint


async def test_a_variable_is_read_without_its_container(program: ComposeProgram) -> None:
    assert await program.variable(SITE, "server", "A") == "1"
    assert await program.variable(SITE, "server", "B") is None


KILLED = """
import asyncio, sys
from pathlib import Path
from bot.adapters.compose_program import ComposeProgram
from tests.domain.test_restore_recovery import SITE
home, path = sys.argv[1:]
program = ComposeProgram({"PATH": path, "HOME": home}, Path(home) / "compose.lock")
asyncio.run(program.run(SITE, "up", within=30))
"""


async def test_a_run_that_outlives_its_akbot_is_waited_for(
    program: ComposeProgram, tmp_path: Path
) -> None:
    (tmp_path / "hangs").touch()
    words = [str(tmp_path), program.environment["PATH"]]
    akbot = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, *words)
    while not (tmp_path / "environment").exists():  # noqa: ASYNC110 - another process's event
        await asyncio.sleep(0.01)
    akbot.kill()
    await akbot.wait()
    assert not (tmp_path / "ended").exists(), "it goes on"

    async with program.alone():
        assert (tmp_path / "ended").exists()


WITH_A_TAG = """
import asyncio, resource, signal, sys
from dataclasses import replace
from pathlib import Path
from bot.adapters.compose import TAG, ComposeControl
from bot.adapters.compose_program import ComposeProgram
from bot.adapters.engine_api import EngineApi
from bot.domain.restore import TagChange
from tests.domain.test_restore_recovery import SITE
home, path, act = sys.argv[1:]
program = ComposeProgram({"PATH": path, "HOME": home}, Path(home) / "compose.lock")
site = replace(SITE, working_dir=home)
control = ComposeControl(EngineApi("unix:///nowhere"), program, site)
if act == "try":
    asyncio.run(control.tag_change("g/s:2025.2.1"))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (8, 8))  # the ninth byte ends it, or fails
if act != "fail":
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
asyncio.run(control.write_tag(TagChange(home + "/.env", TAG, "2025.2.4", "2025.2.1")))
"""


async def ended(program: ComposeProgram, folder: Path, act: str) -> tuple[int | None, str]:
    words = [str(folder), program.environment["PATH"], act]
    akbot = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WITH_A_TAG, *words), stderr=asyncio.subprocess.PIPE
    )
    _, said = await akbot.communicate()
    return akbot.returncode, said.decode()


async def test_killed_in_the_trial_it_leaves_no_copy_of_the_secrets(
    program: ComposeProgram, tmp_path: Path
) -> None:
    (tmp_path / "kills").touch()

    assert (await ended(program, tmp_path, "try"))[0] == -signal.SIGKILL

    assert not trials(tmp_path)


async def test_what_was_left_of_a_write_goes_with_the_next_one(
    program: ComposeProgram, control: ComposeControl, tmp_path: Path
) -> None:
    assert (await ended(program, tmp_path, "write"))[0] == -signal.SIGXFSZ
    assert trials(tmp_path)

    await control.write_tag(TagChange(str(tmp_path / ".env"), "AUTHENTIK_TAG", None, "2025.2.4"))

    assert read(tmp_path / ".env") == TEXT
    assert not trials(tmp_path)


async def test_a_write_that_fails_leaves_no_half_of_it(
    program: ComposeProgram, tmp_path: Path
) -> None:
    _, said = await ended(program, tmp_path, "fail")

    assert "PortError: write beside" in said
    assert read(tmp_path / ".env") == TEXT
    assert not trials(tmp_path)


def files_of_others(folder: Path) -> list[Path]:
    names = ["short", "abcd1234.bak", "ABCD1234", "abcd-123"]
    theirs = [folder / f".env.akbot-{each}" for each in names]
    theirs += [folder / "x.env.akbot-abcd1234", folder / ".env.akbot-another_"]
    for each in theirs:
        each.write_bytes(b"mine")
    os.chown(theirs[-1], 1026, 100)
    (folder / ".env.akbot-a_folder").mkdir()
    (folder / ".env.akbot-is_alink").symlink_to("short")
    return files_in(folder)


async def test_what_only_looks_like_it_stays(control: ComposeControl, tmp_path: Path) -> None:
    before = files_of_others(tmp_path)

    await control.write_tag(TagChange(str(tmp_path / ".env"), "AUTHENTIK_TAG", None, "2025.2.1"))

    assert files_in(tmp_path) == before


async def test_a_folder_in_which_the_tag_cannot_be_written_is_told_before_anything_goes(
    program: ComposeProgram,
) -> None:
    site = replace(SITE, working_dir="/proc", env_files=("/proc/.env",))
    control = ComposeControl(EngineApi("unix:///nowhere"), program, site)

    with pytest.raises(PortError, match=r'write beside "/proc/\.env"') as caught:
        await control.tag_change("g/s:2025.2.1")

    assert "Mount the project's folder" in caught.value.hint


async def test_the_trial_keeps_the_other_env_files(program: ComposeProgram, tmp_path: Path) -> None:
    other = tmp_path / "other.env"
    other.write_bytes(b"A=1\n")
    site = replace(SITE, working_dir=str(tmp_path), env_files=(str(other), str(tmp_path / ".env")))

    await ComposeControl(EngineApi("unix:///nowhere"), program, site).tag_change("g/s:2025.2.1")

    asked = (tmp_path / "arguments").read_text().splitlines()
    assert [f"--env-file {other} --env-file" in each for each in asked] == [True, True]
