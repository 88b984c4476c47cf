"""A backup's project folder: what may be written, what is changed for another place."""

import io
import tarfile
from dataclasses import replace

import pytest

from bot.domain.errors import IntegrityError, RefusedError
from bot.domain.project import (
    Project,
    is_plain_path,
    move_project,
    name_project,
    read_project,
    trust_signer,
)
from bot.domain.signature import PublicKey

PLACE = "/srv/new"
COMPOSE = b"services: {}\n"
KEY = PublicKey("ed25519:EH2iwo+zWqbkaB2Xxxs/43uDYrbBlA6bixL3MRm/ziA=")


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.uid, info.gid = kind, link, 0o644, 1026, 100
    return info


def packed(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


def project_of(**files: bytes) -> Project:
    """*files* by names in which two underscores are a dot."""
    names = {name.replace("__", "."): content for name, content in files.items()}
    names = {"docker-compose.yml": COMPOSE, **names}
    return read_project(packed(*((member(name), text) for name, text in names.items())), PLACE)


def test_owners_and_modes_are_kept_and_secrets_are_their_owners_alone() -> None:
    project = project_of(__env=b"PG_PASS=x\n", akbot__env=b"")

    modes = {each.name: (each.mode, each.owner, each.group) for each in project.files}
    assert modes == {
        "docker-compose.yml": (0o644, 1026, 100),
        ".env": (0o600, 1026, 100),
        "akbot.env": (0o600, 1026, 100),
    }
    assert "PG_PASS" not in repr(project)


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(member("../evil"), id="above"),
        pytest.param(member("/etc/cron.d/evil"), id="absolute"),
        pytest.param(member("a/../../evil"), id="above in the middle"),
        pytest.param(member("a/./evil"), id="a name for a folder itself"),
        pytest.param(member("a//evil"), id="no name for a folder"),
        pytest.param(member("evil", tarfile.SYMTYPE, "/etc/passwd"), id="link"),
        pytest.param(member("evil", tarfile.LNKTYPE, "docker-compose.yml"), id="hard link"),
        pytest.param(member("evil", tarfile.CHRTYPE), id="device"),
        pytest.param(member("evil", tarfile.FIFOTYPE), id="pipe"),
        pytest.param(member("evil", tarfile.DIRTYPE), id="folder"),
        pytest.param(member("a\nb"), id="two lines"),
        pytest.param(member("docker-compose.yml"), id="twice"),
        pytest.param(member("docker-compose.yml/evil"), id="below a file"),
        pytest.param(member(".akbot-bootstrap/journal.db"), id="akbot's own"),
    ],
)
def test_what_would_be_written_elsewhere_is_refused(hostile: tarfile.TarInfo) -> None:
    with pytest.raises(IntegrityError, match="the configuration in the backup"):
        read_project(packed((member("docker-compose.yml"), COMPOSE), (hostile, b"")), PLACE)


@pytest.mark.parametrize("data", [b"", b"nonsense" * 100, bytes(5 * 1024 * 1024)])
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    with pytest.raises((IntegrityError, RefusedError)):
        read_project(data, PLACE)


@pytest.mark.parametrize(
    ("names", "compose", "env", "command"),
    [
        pytest.param(
            ["docker-compose.yml", ".env"],
            ("docker-compose.yml",),
            (),
            "docker compose",
            id="found alone",
        ),
        pytest.param(
            ["compose.yaml", "compose.override.yaml", ".env", "akbot.env"],
            ("compose.yaml", "compose.override.yaml"),
            (),
            "docker compose",
            id="with its override",
        ),
        pytest.param(
            ["docker-compose.yml", "deploy/compose.loki.yml", ".env"],
            ("docker-compose.yml", "deploy/compose.loki.yml"),
            (),
            "docker compose -f docker-compose.yml -f deploy/compose.loki.yml",
            id="another one beside it",
        ),
        pytest.param(
            ["docker-compose.yml", "prod.env", ".env"],
            ("docker-compose.yml",),
            ("prod.env",),
            "docker compose -f docker-compose.yml --env-file prod.env",
            id="an env file that was named",
        ),
        pytest.param(
            ["docker-compose.yml", ".env", "prod.env"],
            ("docker-compose.yml",),
            (".env", "prod.env"),
            "docker compose -f docker-compose.yml --env-file .env --env-file prod.env",
            id="both were named",
        ),
    ],
)
def test_compose_is_given_what_it_was_given(
    names: list[str], compose: tuple[str, ...], env: tuple[str, ...], command: str
) -> None:
    project = read_project(packed(*((member(name), b"") for name in names)), PLACE)

    assert (project.compose_files, project.env_files) == (compose, env)
    assert project.command == command


def test_compose_files_that_env_names_are_found_by_it() -> None:
    project = project_of(more__yml=b"", __env=b"COMPOSE_FILE=docker-compose.yml:more.yml\n")

    assert project.command == "docker compose"


def test_without_a_compose_file_there_is_nothing_to_lay() -> None:
    with pytest.raises(RefusedError, match="no compose file"):
        read_project(packed((member(".env"), b"")), PLACE)


@pytest.mark.parametrize(
    ("env", "after", "changes"),
    [
        pytest.param(b"A=1\n", b"A=1\n", 0, id="not named"),
        pytest.param(
            b"AKBOT_PROJECT_DIR=/srv/new\n", b"AKBOT_PROJECT_DIR=/srv/new\n", 0, id="same"
        ),
        pytest.param(
            b"AKBOT_PROJECT_DIR='/srv/old' # here\nM=/srv/old/data\nN=/srv/older\nO=/x/srv/old\n",
            b"AKBOT_PROJECT_DIR='/srv/new' # here\nM=/srv/new/data\nN=/srv/older\nO=/x/srv/old\n",
            1,
            id="whole paths only",
        ),
        pytest.param(
            b"AKBOT_PROJECT_DIR=/srv/old/\n", b"AKBOT_PROJECT_DIR=/srv/new\n", 2, id="with a slash"
        ),
        pytest.param(
            b"AKBOT_PROJECT_DIR=/X\nM=/X/data\n",
            b"AKBOT_PROJECT_DIR=/srv/new\nM=/srv/new/data\n",
            1,
            id="below the root",
        ),
        pytest.param(
            b"AKBOT_PROJECT_DIR=/srv/newX\nM=/srv/newX/data\n",
            b"AKBOT_PROJECT_DIR=/srv/new\nM=/srv/new/data\n",
            1,
            id="a name that begins alike",
        ),
        pytest.param(
            b"AKBOT_PROJECT_DIR=/srv/new/\n",
            b"AKBOT_PROJECT_DIR=/srv/new\n",
            1,
            id="same with a slash",
        ),
        pytest.param(
            b"AKBOT_PROJECT_DIR=\n", b"AKBOT_PROJECT_DIR=/srv/new\n", 1, id="it was left empty"
        ),
        pytest.param(
            b"AKBOT_PROJECT_DIR=/\nM=/data\n",
            b"AKBOT_PROJECT_DIR=/srv/new\nM=/data\n",
            1,
            id="not a folder of its own",
        ),
    ],
)
def test_paths_of_the_old_place_become_the_new(env: bytes, after: bytes, changes: int) -> None:
    project = move_project(project_of(__env=env))

    assert project.content(".env") == after
    assert len(project.changes) == changes


def test_what_becomes_of_a_path_is_told_with_how_often() -> None:
    env = b"AKBOT_PROJECT_DIR=/srv/old\nX=/srv/old/a\n"
    project = project_of(__env=env)
    once = replace(
        project,
        files=tuple(
            replace(each, content=b"x: /srv/old\n") if each.name == "docker-compose.yml" else each
            for each in project.files
        ),
    )

    assert sorted(move_project(once).changes) == [
        ".env: /srv/old becomes /srv/new 2 times",
        "docker-compose.yml: /srv/old becomes /srv/new",
    ]


def test_it_is_told_whether_a_setting_was_there() -> None:
    new = trust_signer(project_of(akbot__env=b""), KEY)
    more = trust_signer(project_of(akbot__env=b"AKBOT_TRUSTED_KEYS=x\n"), KEY)

    assert new.changes[-1].startswith("akbot.env: AKBOT_TRUSTED_KEYS is set to ")
    assert more.changes[-1].startswith("akbot.env: AKBOT_TRUSTED_KEYS becomes ")


def test_settings_are_those_of_the_last_env_file() -> None:
    project = project_of(__env=b"")

    assert project.settings_file == ".env"
    assert replace(project, env_files=("a.env",)).settings_file == "a.env"
    assert replace(project, env_files=("a.env", "b.env", "c.env")).settings_file == "c.env"


def test_a_place_that_the_compose_file_asks_for_is_set() -> None:
    compose = b"x: ${AKBOT_PROJECT_DIR:-${PWD}}\n"
    project = project_of()
    named = replace(project, files=tuple(replace(each, content=compose) for each in project.files))

    moved = move_project(named)

    assert moved.content(".env") == b"AKBOT_PROJECT_DIR=/srv/new\n"
    [env] = [each for each in moved.files if each.name == ".env"]
    assert (env.mode, env.owner) == (0o600, 1026)


@pytest.mark.parametrize(
    ("name", "stack", "own", "file", "line"),
    [
        pytest.param("authentik", "authentik", b"", "", b"", id="the same"),
        pytest.param("new", "authentik", b"AKBOT_STACK=authentik\n", "", b"", id="named already"),
        pytest.param(
            "new", "authentik", b"", ".env", b"COMPOSE_PROJECT_NAME=authentik\n", id="by its folder"
        ),
        pytest.param(
            "new", "My.Stack", b"", "akbot.env", b"AKBOT_STACK=My.Stack\n", id="not for Compose"
        ),
    ],
)
def test_backups_go_on_in_the_same_folder(
    name: str, stack: str, own: bytes, file: str, line: bytes
) -> None:
    project = project_of(__env=b"", akbot__env=own)

    named = name_project(project, name, stack)

    if not file:
        assert named == project
        return
    assert named.content(file) == line
    assert len(named.changes) == 1


@pytest.mark.parametrize(
    ("own", "after"),
    [
        (b"", f"AKBOT_TRUSTED_KEYS={KEY}\n".encode()),
        (b"AKBOT_TRUSTED_KEYS=a\n", f"AKBOT_TRUSTED_KEYS=a,{KEY}\n".encode()),
        (b"AKBOT_TRUSTED_KEYS='a, b'\n", f"AKBOT_TRUSTED_KEYS='a,b,{KEY}'\n".encode()),
        (f"AKBOT_TRUSTED_KEYS={KEY}\n".encode(), f"AKBOT_TRUSTED_KEYS={KEY}\n".encode()),
    ],
)
def test_the_old_hosts_signature_goes_on_counting(own: bytes, after: bytes) -> None:
    assert trust_signer(project_of(akbot__env=own), KEY).content("akbot.env") == after


def test_a_file_that_is_changed_keeps_owner_and_mode() -> None:
    before = project_of(akbot__env=b"")
    private = next(each for each in before.files if each.name == "akbot.env")
    own = replace(private, mode=0o640, owner=7)
    others = tuple(each for each in before.files if each is not private)

    after = trust_signer(replace(before, files=(*others, own)), KEY)

    [changed] = [each for each in after.files if each.name == "akbot.env"]
    assert (changed.mode, changed.owner) == (0o640, 7)


def test_keys_in_a_file_of_their_own_are_left_to_a_person() -> None:
    own = b"AKBOT_TRUSTED_KEYS_FILE=/keys\n"

    project = trust_signer(project_of(akbot__env=own), KEY)

    assert project.content("akbot.env") == own
    assert f"add {KEY}" in project.changes[0]


def test_a_tag_that_a_restore_writes_makes_no_other_file_of_it() -> None:
    one, two, three = (
        next(each for each in project_of(__env=text).files if each.name == ".env").fingerprint
        for text in (b"A=1\nAUTHENTIK_TAG=1\n", b"A=1\nAUTHENTIK_TAG=2\n", b"A=2\n")
    )

    assert one == two
    assert two != three


@pytest.mark.parametrize(
    ("path", "is_plain"),
    [
        ("/srv/authentik", True),
        ("/", False),
        ("/srv/my stack", False),
        ("/srv/$HOME", False),
        ("/srv/a,b", False),
        ("srv", False),
        ("/srv/", False),
        ("/srv//authentik", False),
    ],
)
def test_a_path_must_mean_itself_to_everybody(path: str, is_plain: bool) -> None:  # noqa: FBT001
    assert is_plain_path(path) is is_plain
