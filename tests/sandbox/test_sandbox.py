"""The sandbox takes away what is its own, and nothing else.

Most of this happens in a copy of the sandbox's scripts with a state folder of its own, so that a
stack that runs meanwhile is not disturbed.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.fixture import HERE, Sandbox, script

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("engine")]
CACHE = HERE / ".cache"
IMAGE = "akbot-sandbox/redis:8"
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{CACHE}/docker/bin:{os.environ['PATH']}",
    "DOCKER_CONFIG": f"{CACHE}/docker",
}


def docker(*arguments: str) -> str:
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=True, env=ENVIRONMENT
    ).stdout.strip()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the scripts; downloads are shared."""
    script("images", "redis:8")
    repo = tmp_path / "repo"
    folder = repo / "tests" / "sandbox"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns(".state", ".cache"))
    (folder / ".cache").symlink_to(CACHE)
    shutil.copy(HERE.parents[1] / "docker-compose.yml", repo)
    return folder


@pytest.fixture
def foreign() -> Iterator[str]:
    """A container that has nothing to do with any sandbox."""
    name = docker("create", IMAGE)
    yield name
    docker("rm", "--force", name)


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [folder / command[0], *command[1:]],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


def start_process(folder: Path) -> int:
    """Start a process the way the sandbox starts its registry, and return its pid."""
    subprocess.run(
        ["bash", "-c", f'source "{folder}/common.sh"; background registry sleep 60'], check=True
    )
    return int((folder / ".state" / "pid" / "registry").read_text().split()[0])


def test_down_leaves_nothing_of_its_own_and_everything_else(copy: Path, foreign: str) -> None:
    label = f"akbot.sandbox={copy}/.state"
    container = docker("create", "--label", label, IMAGE)
    network = docker("network", "create", "--label", label, f"sandbox-test-{os.getpid()}")
    volume = docker("volume", "create", "--label", label)
    pid = start_process(copy)
    (copy / ".state" / "mounts").mkdir()
    (copy / ".state" / "mounts" / "data").write_text("data")

    result = run(copy, "down")

    assert result.returncode == 0, result.stderr
    assert container not in docker("ps", "--all", "--quiet", "--no-trunc")
    assert network not in docker("network", "ls", "--quiet", "--no-trunc")
    assert volume not in docker("volume", "ls", "--quiet")
    assert not Path(f"/proc/{pid}").exists()
    assert not (copy / ".state").exists()
    assert foreign in docker("ps", "--all", "--quiet", "--no-trunc")


def test_down_twice_is_no_error(copy: Path) -> None:
    assert [run(copy, "down").returncode for _ in range(2)] == [0, 0]


def test_down_does_not_end_a_stranger_that_has_got_a_recorded_pid(copy: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        record = copy / ".state" / "pid" / "s3"
        record.parent.mkdir(parents=True)
        record.write_text(f"{stranger.pid} 1\n")

        run(copy, "down")

        assert stranger.poll() is None
        stranger.terminate()


def test_up_refuses_where_a_name_of_the_stack_is_taken(copy: Path) -> None:
    names = docker("ps", "--all", "--format", "{{.Names}}").split()
    made = (
        None if "authentik-redis" in names else docker("create", "--name", "authentik-redis", IMAGE)
    )
    try:
        result = run(copy, "up")
    finally:
        if made:
            docker("rm", "--force", made)

    assert result.returncode == 3
    assert "exists" in result.stderr
    assert not (copy / ".state" / "project").exists()


@pytest.mark.usefixtures("sandbox")
def test_up_takes_away_what_a_checkout_that_is_gone_has_left(tmp_path: Path) -> None:
    gone = tmp_path / "gone" / "tests" / "sandbox" / ".state"
    label = "com.docker.compose.project.working_dir"
    left = docker("create", "--label", f"{label}={gone}/project", IMAGE)
    of_a_folder = docker("create", "--label", f"{label}={tmp_path}/tests/sandbox/.state", IMAGE)
    try:
        script("up")
        assert left not in docker("ps", "--all", "--quiet", "--no-trunc")
        assert of_a_folder in docker("ps", "--all", "--quiet", "--no-trunc")
    finally:
        docker("rm", "--force", left, of_a_folder)


def test_up_on_a_stack_that_runs_changes_nothing(sandbox: Sandbox) -> None:
    before = sandbox.compose("ps", "--quiet", "--no-trunc")

    script("up")

    assert sandbox.compose("ps", "--quiet", "--no-trunc") == before
    assert len(before.split()) == 4


def test_the_stack_answers(sandbox: Sandbox) -> None:
    assert sandbox.psql("SELECT current_user, 1") == [["authentik", "1"]]
    assert sandbox.redis("PING") == "PONG"


@pytest.mark.parametrize(
    ("image", "has", "lacks"),
    [
        pytest.param("postgres:17", "bash", "nc", id="Debian"),
        pytest.param("postgres:15", "nc", "bash", id="BusyBox"),
    ],
)
def test_there_is_an_image_of_each_kind_of_shell(image: str, has: str, lacks: str) -> None:
    script("images", image)

    found = docker(
        *("run", "--rm", "--network", "none", "--entrypoint", "sh", f"akbot-sandbox/{image}"),
        *(
            "-c",
            f"for name in {has} {lacks} psql pg_dump pg_restore; do command -v $name; done; true",
        ),
    ).split()

    assert [Path(path).name for path in found] == [has, "psql", "pg_dump", "pg_restore"]
