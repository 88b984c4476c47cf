"""What becomes of the output: a reader that goes away, a full disk, text from another host."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest
from cryptography.hazmat.primitives import serialization

from bot.domain.jobs import Trigger
from bot.domain.manifest import MANIFEST, SIGNATURE_SUFFIX, decode_manifest, encode_manifest
from bot.domain.messages import RunBackup
from bot.domain.signature import sign
from tests.command_line import PROGRAM, environment, run, run_into
from tests.services.world import World

FULL = Path("/dev/full")
HOSTILE = "\x1b[2J\u202eerom on\nFAKE  LINE \x07" + "x" * 200
STACK = {"AKBOT_STACK": "authentik"}
SHELL_SAYS_SIGPIPE = 141


@pytest.fixture
def unread() -> Iterator[IO[bytes]]:
    """A pipe whose reader went away."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        yield pipe


COMMANDS = [
    pytest.param(["backups"], id="a table"),
    pytest.param(["backups", "--json"], id="JSON"),
    pytest.param(["jobs"], id="jobs"),
    pytest.param(["check"], id="check"),
    pytest.param(["keygen", "-o", "key"], id="keygen"),
    pytest.param(["encrypt", "-a", "-R", "recipients", "recipients"], id="encrypt"),
    pytest.param(["--help"], id="help"),
    pytest.param(["backups", "--help"], id="help of a command"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run(tmp_path, "keygen", "-o", "other")
    recipient = re.search(r"age1\w+", (tmp_path / "other").read_text())
    assert recipient
    (tmp_path / "recipients").write_text(recipient[0])
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_a_reader_that_went_away_is_not_worth_a_word(
    folder: Path, unread: IO[bytes], command: list[str]
) -> None:
    ended = run_into(folder, *command, stdout=unread, settings=STACK)

    assert ended.returncode == SHELL_SAYS_SIGPIPE
    assert not [line for line in ended.stderr.splitlines() if not line.startswith("Public key")]


@pytest.mark.parametrize("command", COMMANDS)
def test_an_output_that_is_full_is_one_line(folder: Path, command: list[str]) -> None:
    with FULL.open("wb") as full:
        ended = run_into(folder, *command, stdout=full, settings=STACK)

    assert ended.returncode == 1
    [line] = [each for each in ended.stderr.splitlines() if not each.startswith("Public key")]
    assert line.startswith("akbot: write stdout: No space left on device")


@pytest.mark.parametrize("command", COMMANDS)
def test_an_output_that_is_closed_is_one_line(folder: Path, command: list[str]) -> None:
    ended = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&-', "sh", PROGRAM, *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment(folder, AKBOT_STACK="authentik"),
        timeout=600,
    )

    assert ended.returncode == 1
    [line] = [each for each in ended.stderr.splitlines() if not each.startswith("Public key")]
    assert line.startswith("akbot: write stdout: Bad file descriptor")


def test_the_key_that_was_written_is_kept_and_that_is_said(tmp_path: Path) -> None:
    with FULL.open("wb") as full:
        ended = run_into(tmp_path, "keygen", "-o", "key", stdout=full, settings={})

    assert 'The key file "key" was written and is kept' in ended.stderr
    key = (tmp_path / "key").read_text()
    assert "AGE-SECRET-KEY-" in key
    assert re.findall("age1.*", key) == re.findall("age1.*", ended.stderr)


@pytest.mark.parametrize("command", [["backup"], ["backups", "nonsense"], ["backup", "--label=\n"]])
def test_where_nobody_hears_a_complaint_the_exit_code_stays(
    tmp_path: Path, unread: IO[bytes], command: list[str]
) -> None:
    heard = run(tmp_path, *command, AKBOT_STACK="authentik")

    with FULL.open("wb") as full:
        for stderr in (unread, full):
            ended = run_into(tmp_path, *command, stderr=stderr, settings=STACK)
            assert (ended.returncode, ended.stdout) == (heard.returncode, heard.stdout)
    assert heard.returncode in {1, 2, 3}


def test_a_locale_without_arrows_is_no_error(tmp_path: Path) -> None:
    ended = run(tmp_path, "check", PYTHONIOENCODING="ascii")

    assert r"\u2192" in ended.stdout
    assert not ended.stderr


@pytest.fixture
async def store(tmp_path: Path) -> Path:
    """A store with one good backup whose manifest was signed with hostile words in it."""
    world = World()
    manifest = await world.run(RunBackup(trigger=Trigger.CLI, actor="root"))
    assert manifest.database
    hostile = replace(
        manifest,
        label=HOSTILE,
        actor=HOSTILE,
        trigger=HOSTILE,
        warnings=(HOSTILE,),
        recipients=(HOSTILE,),
        database=replace(manifest.database, name=HOSTILE),
        software=replace(
            manifest.software, authentik=HOSTILE, image=HOSTILE, postgresql=HOSTILE, redis=HOSTILE
        ),
    )
    data = encode_manifest(hostile)
    key = world.keyring.signing_key
    place = f"{manifest.stack}/{manifest.id}/{MANIFEST}"
    signed = {place: data, place + SIGNATURE_SUFFIX: sign(data, key)}
    for name, content in {**world.store.objects, **signed}.items():
        path = tmp_path / "store" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (tmp_path / "state").mkdir(0o700)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (tmp_path / "state/signing.key").touch(0o600)
    (tmp_path / "state/signing.key").write_bytes(pem)
    return tmp_path


def listed(folder: Path, *arguments: str) -> str:
    ended = run(folder, *arguments, AKBOT_STACK="authentik", AKBOT_STORE=f"file://{folder}/store")
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def test_words_from_another_host_cannot_paint_the_terminal(store: Path) -> None:
    table, whole = listed(store, "backups"), listed(store, "backups", "latest")

    shown = r"\x1b[2J\u202eerom on\nFAKE  LINE \x07"
    assert [line for line in (table + whole).splitlines() if not line.isprintable()] == []
    assert len(table.splitlines()) == 2
    assert f'good; "{shown}xxx' in table
    assert f"  {shown}xxx" in table  # the version's column
    label = re.search('"([^"]*)"', table)
    assert label
    assert len(label[1]) == 100
    assert whole.count(shown) == 9  # by whom, label, four versions, database, recipient
    assert r"  warning: \x1b[2J\u202eerom on FAKE LINE \x07xxx" in whole


def test_json_has_them_as_they_are(store: Path) -> None:
    [record] = json.loads(listed(store, "backups", "--json"))

    assert record["summary"]["label"] == HOSTILE
    assert record["summary"]["authentik"] == HOSTILE
    name = record["id"]
    data = (store / f"store/authentik/{name}/{MANIFEST}").read_bytes()
    assert decode_manifest(data, stack="authentik", backup_id=name).actor == HOSTILE


def test_progress_that_nobody_sees_does_not_change_how_it_ended(store: Path) -> None:
    settings = {**STACK, "AKBOT_STORE": f"file://{store}/store"}

    with FULL.open("wb") as full:
        ended = run_into(store, "verify", "latest", stderr=full, settings=settings)

    assert ended.returncode == 0
    assert ended.stdout.startswith("ok    ")
