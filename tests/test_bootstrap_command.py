"""`deploy/bootstrap` and `akbot restore --bootstrap` on a host without Docker: what is refused."""

import os
import subprocess
from pathlib import Path

import pytest

from bot import age
from tests.command_line import PROGRAM, run
from tests.fakes_stack import NOW

SCRIPT = Path(__file__).parents[1] / "deploy" / "bootstrap"
STORE = "s3://bucket/x?endpoint=https://s3.example.org"
DOCKER = """#!/bin/sh
printf '%s\\n' "$@" >>"$RECORD"
case $1 in image) exit "${IMAGE_IS_MISSING:-0}" ;; esac
"""


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    path = tmp_path / "identity.txt"
    path.write_text(age.format_identity_file(age.X25519Identity.generate(), created=NOW))
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--stack", "x"], "restore --stack: it names a stack in another store. Add --from URL."),
        (["--undo", "--from", STORE], "restore --undo: it does not go with --from"),
        (["--dump", "x", "--identity", "i"], "restore --dump: it does not go with --identity"),
        (["--project-dir", "/srv/x"], "restore --project-dir: it is for an empty host"),
        (["--bootstrap"], "restore --bootstrap: --from is missing"),
        (["--bootstrap", "--from", STORE], "restore --bootstrap: --identity is missing"),
        (["--bootstrap", "--undo"], "restore --bootstrap: --from is missing"),
    ],
)
def test_what_does_not_go_together_is_told(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    ended = run(tmp_path, "restore", *arguments)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert words in ended.stderr


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--undo", "does not go with --undo"),
        ("--component=media", "does not go with --component"),
        ("--no-safety-backup", "does not go with --no-safety-backup"),
    ],
)
def test_a_choice_of_a_live_restore_is_none_here(
    tmp_path: Path, identity: Path, option: str, words: str
) -> None:
    place = tmp_path / "place"
    where = ("--from", STORE, "--identity", str(identity), "--project-dir", str(place))

    ended = run(tmp_path, "restore", "--bootstrap", *where, option)

    assert ended.returncode == 2
    assert words in ended.stderr
    assert not place.exists()


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        pytest.param({"--from": "s4://x"}, 2, '--from: "s4://x" is neither', id="scheme"),
        pytest.param({"--from": "s3://a:planted@b"}, 2, "--from: the URL must not", id="secret"),
        pytest.param({"--from": "s3://one s3://two"}, 2, "--from: it names several", id="several"),
        pytest.param({"--identity": "/nonexistent"}, 2, '--identity: read "/none', id="no key"),
        pytest.param({"--identity": str(SCRIPT)}, 2, "is not an identity file", id="another file"),
        pytest.param({"--project-dir": "/srv/my $tack"}, 2, "--project-dir: ", id="blanks"),
        pytest.param({"--project-dir": "full"}, 3, '"mine" is in it', id="not empty"),
    ],
)
def test_nothing_is_begun_with_a_wrong_argument(
    tmp_path: Path, identity: Path, changes: dict[str, str], code: int, words: str
) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").write_text("mine")
    usual = {"--from": STORE, "--identity": str(identity), "--project-dir": str(tmp_path / "new")}
    given = [word for pair in (usual | changes).items() for word in pair]

    ended = run(tmp_path, "restore", "--bootstrap", *given)

    assert ended.returncode == code, ended.stderr
    assert words in ended.stderr
    assert "planted" not in ended.stderr
    assert not (tmp_path / "new").exists()
    assert [each.name for each in full.iterdir()] == ["mine"]


def test_a_folder_to_restore_from_must_be_there(tmp_path: Path) -> None:
    ended = run(tmp_path, "restore", "--yes", "--from", f"nas=file://{tmp_path}/not-mounted")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert f'--from: the folder "{tmp_path}/not-mounted" is not there. Mount' in ended.stderr


def script(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The script, before a client of Docker that only writes down what it was told."""
    (folder / "bin").mkdir(exist_ok=True)
    docker = folder / "bin" / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    return subprocess.run(
        [SCRIPT, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "RECORD": str(folder / "record"),
            **settings,
        },
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "the store is missing: --from URL"),
        (["--from", STORE], "the private key is missing: --identity FILE"),
        (["--from"], "--from: its value is missing"),
        (["--from", STORE, "--identity", "nothing"], 'there is no file "nothing"'),
    ],
)
def test_the_script_wants_store_and_key(tmp_path: Path, arguments: list[str], words: str) -> None:
    ended = script(tmp_path, *arguments)

    assert ended.returncode == 2
    assert words in ended.stderr
    assert not (tmp_path / "record").exists()


def test_its_help_tells_all_options(tmp_path: Path) -> None:
    ended = script(tmp_path, "--help")

    assert ended.returncode == 0
    told = subprocess.run(
        [PROGRAM, "restore", "--help"], capture_output=True, text=True, check=True
    ).stdout
    for option in ("--from", "--identity", "--project-dir", "--stack", "--trust", "--yes"):
        assert option in ended.stdout
        assert option in told


def test_secrets_are_passed_by_name_and_every_path_is_the_hosts(
    tmp_path: Path, identity: Path
) -> None:
    place = tmp_path / "place"
    ended = script(
        tmp_path,
        *("latest", "--from", STORE, f"--identity={identity.name}", "--project-dir", "place"),
        *("--trust", "ed25519:x", "--yes"),
        AWS_ACCESS_KEY_ID="planted-name",
        AWS_SECRET_ACCESS_KEY="planted-secret",
        AKBOT_GATE_STABLE="1",
        AKBOT_STATE="/elsewhere",
        AKBOT_IMAGE="akbot:test",
    )

    assert ended.returncode == 0, ended.stderr
    told = (tmp_path / "record").read_text().splitlines()
    assert "planted" not in "\n".join(told)
    at = [told[number + 1] for number, word in enumerate(told) if word == "--env"]
    assert at == ["AKBOT_GATE_STABLE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    assert f"type=bind,source={place},target={place}" in told
    assert f"type=bind,source={identity},target={identity},readonly" in told
    assert "build" not in told
    restore = told[told.index("akbot:test", told.index("run")) :]
    assert restore == [
        *("akbot:test", "restore", "--bootstrap", "--from", STORE),
        *("--identity", str(identity), "--project-dir", str(place)),
        *("latest", "--trust", "ed25519:x", "--yes"),
    ]


@pytest.mark.parametrize(
    ("store", "mounted", "words"),
    [
        ("file://{folder}", "bac kups", "no backup in this store"),
        ("nas=file://{folder}?keep_daily=30&keep_last=2", "bac kups", "no backup in this store"),
        (
            "offsite=s3://bucket/x?endpoint=https://s3.example.org&ca={folder}/ca.pem",
            "ca.pem",
            "no credentials found",
        ),
    ],
)
def test_a_store_may_be_given_as_the_setting_has_it(
    tmp_path: Path, identity: Path, store: str, mounted: str, words: str
) -> None:
    folder = tmp_path / "bac kups"
    folder.mkdir()
    (folder / "ca.pem").touch()
    url = store.format(folder=str(folder).replace(" ", "%20"))
    where = ("--from", url, "--identity", str(identity), "--project-dir")

    ended = script(tmp_path, *where, "place")
    tried = run(tmp_path, "restore", "--bootstrap", *where, str(tmp_path / "other"))

    assert ended.returncode == 0, ended.stderr
    told = (tmp_path / "record").read_text().splitlines()
    assert url in told
    [mount] = [line for line in told if line.endswith(f"/{mounted},readonly") and "source" in line]
    assert mount.startswith("type=bind,source=")
    assert words in tried.stderr, "it was looked into"


def test_the_file_that_the_store_needs_must_be_there(tmp_path: Path, identity: Path) -> None:
    ended = script(tmp_path, "--from", f"{STORE}&ca=/nonexistent.pem", "--identity", str(identity))

    assert (ended.returncode, '"/nonexistent.pem"' in ended.stderr) == (2, True)
    assert not (tmp_path / "record").read_text().count("run\n")


def test_without_a_name_the_image_is_built_from_this_folder(tmp_path: Path, identity: Path) -> None:
    ended = script(tmp_path, "--from", "s3://bucket", "--identity", str(identity))

    assert ended.returncode == 0, ended.stderr
    told = (tmp_path / "record").read_text().splitlines()
    assert told[told.index("build") + 1 :][1:5] == [
        *("--file", str(SCRIPT.parent / "Dockerfile"), "--tag", "akbot")
    ]


@pytest.mark.parametrize(
    ("config", "taken"),
    [
        pytest.param('{"auths": {"registry.example": {"auth": "cGxhbnRlZDp4"}}}', True, id="there"),
        pytest.param('{"credsStore": "pass"}', False, id="in a helper"),
        pytest.param('{"auths": {}, "credHelpers": {"r.example": "pass"}}', False, id="in one's"),
        pytest.param(None, False, id="none"),
    ],
)
def test_logins_of_registries_come_along_unless_a_helper_has_them(
    tmp_path: Path, identity: Path, config: str | None, *, taken: bool
) -> None:
    if config:
        (tmp_path / "config.json").write_text(config)

    ended = script(
        *(tmp_path, "--from", STORE, "--identity", str(identity), "--project-dir", "place"),
        DOCKER_CONFIG=str(tmp_path),
    )

    assert ended.returncode == 0, ended.stderr
    told = (tmp_path / "record").read_text()
    mount = f"type=bind,source={tmp_path}/config.json,target=/run/docker/config.json,readonly"
    assert (mount in told) is taken
    assert ("DOCKER_CONFIG=/run/docker" in told) is taken
    assert "planted" not in told
    assert ("leaves logins to a credential helper" in ended.stderr) is bool(config and not taken)


def test_an_engine_on_another_machine_is_refused(tmp_path: Path, identity: Path) -> None:
    ended = script(
        tmp_path, "--from", STORE, "--identity", str(identity), DOCKER_HOST="tcp://h:2375"
    )

    assert ended.returncode == 2
    assert "DOCKER_HOST" in ended.stderr
