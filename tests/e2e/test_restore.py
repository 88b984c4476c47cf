"""`akbot restore` on a live stack: all comes back, all can be had back, nothing else is touched."""

import json
import os
import re
import secrets
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import stranger
from tests.e2e.aftermath import sessions, throw_aways
from tests.e2e.akbot import Akbot, Ended
from tests.e2e.filled import fill_redis
from tests.e2e.test_backup import wait_until
from tests.e2e.visitor import Visitor
from tests.sandbox.fixture import Sandbox
from tests.thorough import THOROUGH

pytestmark = pytest.mark.docker

LOGIN = "/if/flow/default-authentication-flow/"
MOUNTS = ("media", "templates", "certs")
# What a running stack writes by itself (authentik-facts section 11).
RESTLESS = ("_session", "_authenticatedsession", "events_event", "tasks_", "_reputation")


@pytest.fixture
def to_folder(akbot: Akbot, tmp_path: Path) -> Akbot:
    """It stores into a folder, and does not look long at the gate."""
    return akbot.with_settings(
        AKBOT_STORE=f"file://{tmp_path / 'store'}", AKBOT_GATE_STABLE="2", AKBOT_GATE_TIMEOUT="120"
    )


def rows(sandbox: Sandbox) -> Mapping[str, tuple[int, str]]:
    """Every table's checksum, but for what the stack itself writes meanwhile."""
    found = stranger.source_checksums(sandbox)
    return {
        name: each for name, each in found.items() if not any(part in name for part in RESTLESS)
    }


def added_to(sandbox: Sandbox, until: str) -> set[tuple[str, str]]:
    """Every row of the tables to which a running stack only adds; the events of before as one.

    It empties its queue of tasks and writes its heartbeats anew.
    """
    names = [
        name
        for name in stranger.source_checksums(sandbox)
        if any(part in name for part in RESTLESS) and "tasks_" not in name
    ]
    rows = dict.fromkeys(names, "SELECT md5(t::text)")
    rows["public.authentik_events_event"] = "SELECT md5(string_agg(t::text, '' ORDER BY t::text))"
    where = {"public.authentik_events_event": f" WHERE created <= '{until}'"}
    return {
        (name, row)
        for name, select in rows.items()
        for (row,) in sandbox.psql(f"{select} FROM {name} t{where.get(name, '')}")
    }


def files(sandbox: Sandbox) -> dict[str, object]:
    """Content, mode and owner of every file in the mounts, and of the mounts themselves."""
    found: dict[str, object] = {}
    for mount in MOUNTS:
        folder = sandbox.mounts / "authentik" / mount
        status = folder.stat()
        found[mount] = (status.st_mode, status.st_uid, status.st_gid)
        found |= {
            f"{mount}/{name}": each
            for name, each in stranger.tree(folder).items()
            if not name.startswith(".akbot-")
        }
    return found


def containers(sandbox: Sandbox) -> str:
    return sandbox.docker("ps", "--all", "--quiet", "--no-trunc")


def served(sandbox: Sandbox) -> tuple[int, str]:
    """The login page's status, and the version that serves it."""
    with urllib.request.urlopen(f"{sandbox.server}{LOGIN}", timeout=10) as answer:
        page = answer.read().decode()
        return answer.status, page.partition("/static/dist/poly-")[2].partition(".js")[0]


def answers(sandbox: Sandbox) -> bool:
    """The login page is served; after the Engine it takes the server a while to start."""
    try:
        return served(sandbox)[0] == 200
    except OSError:
        return False


def change_everything(sandbox: Sandbox) -> None:
    """Rows and files changed, deleted and added."""
    sandbox.psql(
        """
        UPDATE authentik_core_user SET name = 'changed' WHERE id % 3 = 0;
        DELETE FROM authentik_core_group WHERE name LIKE '%1%' AND NOT EXISTS
          (SELECT FROM authentik_core_user_ak_groups WHERE group_id = group_uuid);
        INSERT INTO authentik_core_group (group_uuid, name, is_superuser, attributes)
          VALUES (gen_random_uuid(), 'added', false, '{}');
        DELETE FROM authentik_events_event WHERE ctid IN
          (SELECT ctid FROM authentik_events_event WHERE NOT EXISTS
            (SELECT FROM authentik_events_notification WHERE event_id = event_uuid) LIMIT 100);
        CREATE TABLE test_added (id int); INSERT INTO test_added VALUES (1);
        """
    )
    change_media(sandbox)
    sandbox.redis("set", "test:added", "1")


def change_media(sandbox: Sandbox) -> None:
    """Files of every kind of change."""
    media = sandbox.mounts / "authentik" / "media"
    members = [
        each for each in sorted(media.rglob("*")) if each.is_file() and not each.is_symlink()
    ]
    members[0].unlink()
    members[1].write_text(f"changed {secrets.token_hex(8)}")
    members[2].chmod(0o604)
    os.chown(members[3], 4321, 4322)
    (media / "added größe").write_text("added")
    (media / ".hidden").write_text("added")
    media.chmod(0o711)


def unchanged_by_up(sandbox: Sandbox) -> None:
    before = containers(sandbox)
    sandbox.compose("up", "--detach", "postgresql", "redis", "authentik", "worker")  # not the bot
    assert containers(sandbox) == before, "Compose would have made a container anew"


def own_databases(sandbox: Sandbox) -> list[str]:
    found = sandbox.psql("SELECT datname FROM pg_database", database="postgres")
    return sorted(name for (name,) in found if name.startswith("authentik_"))


def own_folders(sandbox: Sandbox) -> list[str]:
    found = (sandbox.mounts / "authentik").glob("*/.akbot-*")
    return sorted(str(path.relative_to(sandbox.mounts / "authentik")) for path in found)


def restored(akbot: Akbot, *arguments: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(akbot.ok("restore", "--yes", "--json", *arguments))
    return value


def forget_kept(sandbox: Sandbox) -> None:
    """Remove what tests before have left to be undone."""
    for name in own_databases(sandbox):
        sandbox.psql(f'DROP DATABASE "{name}" WITH (FORCE)', database="postgres")
    for mount in (*MOUNTS, "redis"):
        for folder in (sandbox.mounts / "authentik" / mount).glob(".akbot-*"):
            sandbox.run("rm", "-rf", str(folder))


@pytest.fixture
def stack(filled: Sandbox) -> Iterator[Sandbox]:
    forget_kept(filled)
    filled.psql("DROP TABLE IF EXISTS test_added")
    yield filled
    forget_kept(filled)
    filled.psql(
        "DROP TABLE IF EXISTS test_added; DELETE FROM authentik_core_group WHERE name = 'added'"
    )
    fill_redis(filled)


def test_all_comes_back_and_an_undo_takes_it_back(stack: Sandbox, to_folder: Akbot) -> None:
    then_rows, then_files, then = rows(stack), files(stack), served(stack)
    [(until,)] = stack.psql("SELECT max(created) FROM authentik_events_event")
    then_added = added_to(stack, until)
    backup_id = to_folder.backup()["id"]
    change_everything(stack)
    now_rows, now_files, now_added = rows(stack), files(stack), added_to(stack, until)
    assert now_rows != then_rows
    assert now_files != then_files
    assert not then_added <= now_added

    ended = to_folder("restore", "--yes", "--json")

    assert ended.code == 0, ended.err
    value = json.loads(ended.out)
    assert value["backup"] == backup_id
    assert rows(stack) == then_rows
    assert then_added <= added_to(stack, until)
    assert files(stack) == then_files
    assert served(stack) == then
    assert stack.redis("exists", "test:added") == "0"
    unchanged_by_up(stack)
    assert "Who was deleted since comes back" in ended.err
    assert "waiting until it holds" in ended.err
    assert len(own_databases(stack)) == 1
    assert not throw_aways(stack)
    again = to_folder.backup()
    assert (
        again["database"]["rows"]
        == json.loads(to_folder.ok("backups", "--json", backup_id))["manifest"]["database"]["rows"]
    )

    value = restored(to_folder, "--undo")

    assert rows(stack) == now_rows
    assert now_added <= added_to(stack, until)
    assert files(stack) == now_files
    assert served(stack) == then
    assert stack.redis("get", "test:added") == "1"
    unchanged_by_up(stack)
    wait_until(lambda: not sessions(stack), "no session of akbot is left in the database")
    assert not throw_aways(stack)


def test_with_server_and_worker_removed_it_says_how_to_go_on(
    stack: Sandbox, to_folder: Akbot
) -> None:
    then_files, then = files(stack), served(stack)
    backup_id = to_folder.backup("--component", "media")["id"]
    media = ("restore", backup_id, "--component", "media", "--yes", "--no-safety-backup")
    change_media(stack)
    stack.compose("rm", "--stop", "--force", "authentik", "worker")

    refused = to_folder(*media)

    again = "docker compose create --no-recreate"
    assert refused.code == 2
    assert 'has no container of "authentik" or "server", only of postgresql, redis' in refused.err
    assert f'Nothing was changed. Make what is missing again, in its folder, with "{again}"' in (
        refused.err
    )
    stack.run(*again.split(), "authentik", "worker")  # the sandbox has no image of the bot
    to_folder.ok(*media)
    assert (files(stack), served(stack)) == (then_files, then)


def test_a_database_that_is_gone_comes_back_and_nothing_is_kept_of_it(
    stack: Sandbox, to_folder: Akbot
) -> None:
    then_rows, then = rows(stack), served(stack)
    backup_id = to_folder.backup()["id"]
    stack.psql('DROP DATABASE "authentik" WITH (FORCE)', database="postgres")

    refused = to_folder("restore", backup_id, "--yes")
    ended = to_folder("restore", backup_id, "--yes", "--no-safety-backup")

    assert refused.code == 3, refused.err
    assert f'"akbot restore {backup_id} --no-safety-backup"' in refused.err
    assert ended.code == 0, ended.err
    assert "cannot be taken back" in ended.out
    assert rows(stack) == then_rows
    assert served(stack) == then
    assert own_databases(stack) == []
    unchanged_by_up(stack)
    undo = to_folder("restore", "--undo", "--yes")
    assert undo.code == 3, undo.err
    assert "there was no database before it" in undo.err


@THOROUGH
def test_an_older_version_serves_again_and_only_its_tag_is_written(
    stack: Sandbox, to_folder: Akbot
) -> None:
    env = stack.project / ".env"
    backup_id = to_folder.backup()["id"]
    before = env.read_text()
    status = env.stat()
    newer = before.replace("AUTHENTIK_TAG=2025.2.1\n", "AUTHENTIK_TAG=2025.4.1\n")
    assert newer != before
    env.write_text(newer)
    stack.run("docker", "compose", "up", "--detach", "--wait", "authentik", "worker", timeout=300)
    wait_until(lambda: answers(stack), "the newer version is served")
    assert served(stack) == (200, "2025.4.1")

    stack.docker("image", "rm", f"{stack.registry}/goauthentik/server:2025.2.1")  # it is pulled

    ended = to_folder("restore", backup_id, "--yes", "--no-safety-backup")

    assert ended.code == 0, ended.err
    assert "Authentik 2025.4.1 becomes 2025.2.1 again." in ended.err
    assert served(stack) == (200, "2025.2.1")
    assert env.read_text() == before
    assert (env.stat().st_mode, env.stat().st_uid) == (status.st_mode, status.st_uid)
    unchanged_by_up(stack)

    restored(to_folder, "--undo")
    assert served(stack) == (200, "2025.4.1")
    assert env.read_text() == newer
    unchanged_by_up(stack)
    restored(to_folder, "--undo")
    assert served(stack) == (200, "2025.2.1")


def test_nothing_is_touched_without_a_word_from_a_person(stack: Sandbox, to_folder: Akbot) -> None:
    to_folder.backup()
    before = containers(stack)

    dry = to_folder("restore", "--dry-run")
    asked = to_folder("restore")

    assert (dry.code, asked.code) == (0, 3), asked.err
    assert "is to serve again" in dry.out
    assert "the restore was not confirmed" in asked.err
    assert "nothing that serves was changed" in asked.err
    assert containers(stack) == before
    assert own_databases(stack) == own_folders(stack) == []


def assert_untouched(stack: Sandbox, ended: Ended, code: int, *words: str) -> None:
    assert ended.code == code, ended.err
    for each in words:
        assert each in ended.err
    untouched = "nothing (that serves )?was changed|the state before serves again"
    assert re.search(untouched, ended.err, re.IGNORECASE), ended.err
    assert served(stack)[0] == 200
    assert own_databases(stack) == own_folders(stack) == []


def folder_of(tmp_path: Path, backup_id: str) -> Path:
    [found] = (tmp_path / "store").glob(f"*/{backup_id}")
    return found


def cut(file: Path) -> None:
    file.chmod(0o600)
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])


def flip(file: Path) -> None:
    file.chmod(0o600)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def test_what_is_damaged_or_not_ours_is_refused_and_touches_nothing(
    stack: Sandbox, to_folder: Akbot, tmp_path: Path
) -> None:
    first, second = to_folder.backup()["id"], to_folder.backup()["id"]
    one, two = folder_of(tmp_path, first), folder_of(tmp_path, second)
    visitor = Visitor()
    visitor.log_in(stack)
    before, data, found = containers(stack), rows(stack), files(stack)

    other = to_folder.with_settings(AKBOT_STATE=str(tmp_path / "other"))
    other.ok("keygen", "-o", str(tmp_path / "another.txt"))
    stranger_key = to_folder.with_settings(AKBOT_IDENTITY_FILE=str(tmp_path / "another.txt"))
    assert_untouched(stack, stranger_key("restore", first, "--yes"), 1, "decrypt")

    assert_untouched(stack, other("restore", first, "--yes"), 3, "is not trusted")

    flip(two / "postgres.dump.age")
    ended = to_folder("restore", second, "--yes")
    assert_untouched(stack, ended, 1, 'component "postgres": decrypt', "nothing that serves was")

    cut(two / "media.tar.zst.age")
    assert_untouched(stack, to_folder("restore", second, "--yes"), 1, "is incomplete")

    copied = one.with_name(second)
    for file in two.iterdir():
        file.unlink()
    for file in one.iterdir():
        (copied / file.name).write_bytes(file.read_bytes())
    assert_untouched(stack, to_folder("restore", second, "--yes"), 3, "was copied here")

    flip(one / "manifest.json")
    assert_untouched(stack, to_folder("restore", first, "--yes"), 3, "is not trusted")
    assert containers(stack) == before
    assert (rows(stack), files(stack)) == (data, found)
    assert visitor.is_logged_in()


@THOROUGH
def test_a_gate_that_never_opens_brings_the_state_before_back(
    stack: Sandbox, to_folder: Akbot
) -> None:
    """The backup lacks what the login page needs, and its manifest agrees with it."""
    flows = "authentik_flows_flow"
    stack.psql(f"ALTER TABLE {flows} RENAME TO test_hidden")
    try:
        backup_id = to_folder.backup()["id"]
    finally:
        stack.psql(f"ALTER TABLE test_hidden RENAME TO {flows}")
    stack.redis("set", "test:session", "kept")
    then_rows, then_files = rows(stack), files(stack)
    hasty = to_folder.with_settings(AKBOT_GATE_TIMEOUT="25")

    ended = hasty("restore", backup_id, "--yes", "--no-safety-backup")

    assert_untouched(stack, ended, 1, "was not well within 25 s", "the state before serves again")
    assert (rows(stack), files(stack)) == (then_rows, then_files)
    assert stack.redis("get", "test:session") == "kept"
    unchanged_by_up(stack)


@THOROUGH
def test_a_backup_of_another_host_is_read_where_it_lies(
    stack: Sandbox, to_folder: Akbot, tmp_path: Path
) -> None:
    """Its store, its key and its name; the state before is backed up to this host's own store."""
    other = to_folder.with_settings(
        AKBOT_STATE=str(tmp_path / "other"),
        AKBOT_STORE=f"file://{tmp_path / 'elsewhere'}",
        AKBOT_STACK="other",
    )
    then_rows = rows(stack)
    backup_id = other.backup()["id"]
    stack.psql("INSERT INTO authentik_core_group (group_uuid, name, is_superuser, attributes)"
               " VALUES (gen_random_uuid(), 'added', false, '{}')")  # fmt: skip
    own = to_folder.backup("--component", "templates")["id"]
    source = ("--from", f"file://{tmp_path / 'elsewhere'}")
    assert to_folder("restore", "--yes", *source).code == 3, "nobody who is trusted has signed it"

    done = restored(to_folder, *source, "--identity", str(other.identity))

    assert (done["backup"], rows(stack)) == (backup_id, then_rows)
    kept = {each["id"] for each in json.loads(to_folder.ok("backups", "--json"))}
    assert kept == {own, done["job"]}, "the safety backup"
    assert {each.name for each in (tmp_path / "elsewhere").rglob("2*T*")} == {backup_id}
    restored(to_folder, "--undo")
    assert rows(stack) != then_rows


QUEUE = """
CREATE TABLE authentik_tasks_task (message_id uuid, state text);
INSERT INTO authentik_tasks_task VALUES (gen_random_uuid(), 'queued'), (gen_random_uuid(), 'done');
"""


@pytest.fixture
def queue(stack: Sandbox) -> Iterator[None]:
    """A task that waits in the database, and one that is done."""
    stack.psql(QUEUE)
    yield
    stack.psql("DROP TABLE authentik_tasks_task")


@THOROUGH
@pytest.mark.usefixtures("queue")
def test_what_a_person_adds_to_the_command_is_done(
    stack: Sandbox, to_folder: Akbot, tmp_path: Path
) -> None:
    """Of a backup that is another host's: signature, Redis and the task queue."""
    stack.redis("set", "test:session", "then")
    backup_id = to_folder.backup()["id"]
    text = to_folder.identity.read_text()
    [signer] = re.findall("akbot signing key: (ed25519:[^\\s]+)", text)
    bare = tmp_path / "bare.txt"
    bare.touch(mode=0o600)
    bare.write_text(text.replace(signer, ""))
    stack.redis("set", "test:session", "now")
    other = to_folder.with_settings(AKBOT_STATE=str(tmp_path / "other"))
    command = ("restore", backup_id, "--identity", str(bare), "--yes", "--no-safety-backup")
    assert_untouched(stack, other(*command), 3, "is not trusted")

    ended = other(*command, "--allow-unsigned", "--with-redis", "--keep-queue")

    assert ended.code == 0, ended.err
    assert "its signature was not checked" in ended.err
    assert stack.redis("get", "test:session") == "then"
    assert waiting(stack) == ["done", "queued"]

    ended = other(*command, "--trust", signer)

    assert ended.code == 0, ended.err
    assert "its signature was not checked" not in ended.err
    assert stack.redis("exists", "test:session") == "0"
    assert waiting(stack) == ["done"]


def waiting(stack: Sandbox) -> list[str]:
    return [state for (state,) in stack.psql("SELECT state FROM authentik_tasks_task ORDER BY 1")]


@THOROUGH
def test_clients_are_ended_and_a_password_that_differs_is_shown(
    stack: Sandbox, to_folder: Akbot
) -> None:
    env = stack.project / ".env"
    then_rows, text = rows(stack), env.read_text()
    password = text.partition("PG_PASS=")[2].partition("\n")[0]
    env.write_text(text.replace(password, "another-password-then"))
    backup_id = to_folder.backup()["id"]
    env.write_text(text)
    client = ("exec", "--detach", "authentik-postgresql", "psql", "-U", "authentik")
    stack.docker(*client, "-c", "BEGIN; LOCK authentik_core_user; SELECT pg_sleep(3000)")

    ended = to_folder(
        "restore", backup_id, "--yes", "--component", "postgres", "--no-safety-backup"
    )

    assert ended.code == 0, ended.err
    assert "PG_PASS in .env is another one now; the one in place stays" in ended.err
    assert password not in ended.err + ended.out
    assert "another-password-then" not in ended.err + ended.out
    assert env.read_text() == text
    assert rows(stack) == then_rows
    assert served(stack)[0] == 200
