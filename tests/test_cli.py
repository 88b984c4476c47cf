"""Bad input at the command line: one line that names the setting and the remedy, exit code 2."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot import age
from bot.cli import main, worst_code
from tests.fakes_engine_api import engine_api

CLASSICAL = str(age.X25519Identity.generate().recipient())
HYBRID = str(age.HybridIdentity.generate().recipient())


def run(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`akbot` with these settings, on a host without Docker."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "AKBOT_STATE": str(folder / "state"),
        "DOCKER_HOST": f"unix://{folder}/no-docker.sock",
        **settings,
    }
    program = Path(sys.executable).with_name("akbot")
    command = [str(program), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, env=environment
    )


@pytest.mark.parametrize(
    ("settings", "message", "remedy"),
    [
        pytest.param(
            {"AKBOT_RECIPIENTS": "age1nonsense"},
            'AKBOT_RECIPIENTS: "age1nonsense…" is not a recipient',
            "akbot keygen",
            id="malformed recipient",
        ),
        pytest.param(
            {"AKBOT_RECIPIENTS": f"{CLASSICAL} {HYBRID}"},
            "AKBOT_RECIPIENTS: ",
            "Give recipients of one kind only",
            id="hybrid mixed with classical",
        ),
        pytest.param(
            {"AKBOT_STORE": "s4://bucket"}, 'AKBOT_STORE: "s4://bucket"', "s3://", id="scheme"
        ),
        pytest.param(
            {"AKBOT_STORE": "s3://key:planted@bucket"}, "AKBOT_STORE", "AWS_", id="credentials"
        ),
        pytest.param({"AKBOT_STORE": "file://relative"}, "AKBOT_STORE", "file:///", id="relative"),
        pytest.param(
            {"AKBOT_IDENTITY_FILE": "/nonexistent"},
            'AKBOT_IDENTITY_FILE: read "/nonexistent": No such file or directory',
            "Create the file",
            id="missing identity file",
        ),
        pytest.param(
            {"AWS_SECRET_ACCESS_KEY_FILE": "/nonexistent"},
            'AWS_SECRET_ACCESS_KEY_FILE: read "/nonexistent": No such file or directory',
            "Create the file",
            id="missing secret file",
        ),
        pytest.param(
            {"AKBOT_RECIPENTS": CLASSICAL},
            'there is no setting "AKBOT_RECIPENTS"',
            'Did you mean "AKBOT_RECIPIENTS"?',
            id="unknown setting",
        ),
        pytest.param(
            {"AKBOT_TRUSTED_KEYS": "ed25519:short"},
            '"ed25519:short" is not a signing public key',
            "base64",
            id="malformed signing key",
        ),
        pytest.param(
            {"AKBOT_STORE_MAX_PARTS": "0"}, "AKBOT_STORE_MAX_PARTS: ", "example", id="no parts"
        ),
    ],
)
def test_a_mistake_is_one_line_with_the_remedy(
    tmp_path: Path, settings: dict[str, str], message: str, remedy: str
) -> None:
    ended = run(tmp_path, "backup", **settings)

    assert (ended.returncode, ended.stdout) == (2, "")
    [line] = ended.stderr.splitlines()
    assert line.startswith(f"akbot: {message}")
    assert remedy in line
    assert "planted" not in line


def test_a_secret_file_that_everybody_can_read_is_a_warning(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("planted")
    secret.chmod(0o644)

    ended = run(tmp_path, "backup", AWS_SECRET_ACCESS_KEY_FILE=str(secret))

    first = ended.stderr.splitlines()[0]
    assert first.startswith("akbot: warning: AWS_SECRET_ACCESS_KEY_FILE: everybody")
    assert f"chmod 600 {secret}" in first
    assert "planted" not in ended.stderr


def test_without_docker_a_backup_fails_with_the_remedy(tmp_path: Path) -> None:
    ended = run(tmp_path, "backup")

    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    assert line.startswith("akbot: list containers: the Docker Engine does not answer")
    assert "DOCKER_HOST" in line


def test_keys_are_made_once_and_only_their_owner_can_read_them(tmp_path: Path) -> None:
    run(tmp_path, "backup")
    state = tmp_path / "state"
    keys = ("identity.txt", "signing.key")
    before = {name: (state / name).read_bytes() for name in keys}
    run(tmp_path, "backup")

    assert {name: (state / name).read_bytes() for name in keys} == before
    assert {path.stat().st_mode & 0o777 for path in state.iterdir()} == {0o600}
    assert b"# akbot signing key: ed25519:" in before["identity.txt"]


def test_check_makes_no_keys(tmp_path: Path) -> None:
    ended = run(tmp_path, "check")

    assert ended.returncode == 1
    assert "keys: none yet" in ended.stdout
    assert not list((tmp_path / "state").glob("*.key"))
    assert not list((tmp_path / "state").glob("*.txt"))


@pytest.mark.parametrize("arguments", [[], ["bakcup"], ["backup", "--nonsense"]])
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_an_env_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    ended = run(tmp_path, "--env-file", "nowhere.env", "status")

    assert ended.returncode == 2
    assert '--env-file: there is no file "nowhere.env"' in ended.stderr


@pytest.mark.parametrize(
    ("settings", "message", "remedy"),
    [
        ({"AKBOT_BACKUP_SCHEDULE": "nightly"}, "is not a cron expression", "five fields"),
        ({"AKBOT_TIMEZONE": "Mars/Olympus"}, 'no time zone "Mars/Olympus"', "Europe/Berlin"),
        ({"AKBOT_TELEGRAM_TOKEN": "planted"}, "not the form of a bot's token", "@BotFather"),
        ({"AKBOT_TELEGRAM_ADMINS": "@ada"}, "AKBOT_TELEGRAM_ADMINS", "example"),
    ],
)
def test_the_daemon_does_not_start_on_a_wrong_setting(
    tmp_path: Path, settings: dict[str, str], message: str, remedy: str
) -> None:
    ended = run(tmp_path, "run", **settings)

    assert (ended.returncode, ended.stdout) == (2, "")
    [line] = ended.stderr.splitlines()
    assert message in line
    assert remedy in line
    assert "planted" not in line


@pytest.mark.parametrize("label", ["two\nlines", "\x1b[31mred", "\udcff", "x" * 101])
def test_a_label_that_cannot_be_shown_is_refused(tmp_path: Path, label: str) -> None:
    ended = run(tmp_path, "backup", "--label", label)

    assert ended.returncode == 2
    [line] = ended.stderr.splitlines()
    assert line.startswith("akbot: --label: ")


@pytest.mark.parametrize(
    ("codes", "worst"), [((0, 3), 3), ((3, 1), 1), ((1, 3), 1), ((0, 0), 0), ((3, 3), 3)]
)
def test_damage_counts_more_than_a_refusal(codes: tuple[int, int], worst: int) -> None:
    assert worst_code(*codes) == worst


def test_a_component_that_the_stack_lacks_is_no_backup_that_failed(tmp_path: Path) -> None:
    with engine_api("postgresql", "server") as docker_host:
        misspelt = run(
            tmp_path, "backup", "--component", "medai", "--component", "media",
            DOCKER_HOST=docker_host,
        )  # fmt: skip
        jobs = run(tmp_path, "jobs", "--json", DOCKER_HOST=docker_host)

    assert misspelt.returncode == 2
    assert misspelt.stderr == (
        'akbot: --component: this stack has no "medai". It has: config, globals, media, postgres.\n'
    )
    assert json.loads(jobs.stdout) == []
