"""Backups for a changed key: killed in the middle, done in the end, opened by stock age."""

import json
import signal
import time
from pathlib import Path

import pytest

from tests.e2e import stranger
from tests.e2e.akbot import Akbot
from tests.sandbox.fixture import Sandbox

pytestmark = pytest.mark.docker


def with_new_key(akbot: Akbot, folder: Path) -> tuple[Akbot, Path]:
    """The same host once a person has changed the key, and the new one alone."""
    new = folder / "new.txt"
    akbot.ok("keygen", "-o", str(new))
    both = folder / "both.txt"
    both.write_text(akbot.identity.read_text() + new.read_text())
    both.chmod(0o600)
    public = next(
        line.rpartition(" ")[2]
        for line in new.read_text().splitlines()
        if line.startswith("# public key:")
    )
    changed = akbot.with_settings(AKBOT_RECIPIENTS=public, AKBOT_IDENTITY_FILE=str(both))
    return changed, new


def test_killed_while_it_seals_it_goes_on_and_only_the_new_key_opens(
    akbot: Akbot, filled: Sandbox, tmp_path: Path
) -> None:
    akbot = akbot.with_settings(AKBOT_STACK=f"{tmp_path.name}-{time.time_ns()}")
    old = akbot.backup("--label", "before", "--pin")
    changed, new_key = with_new_key(akbot, tmp_path)
    [planned] = json.loads(changed.ok("rekey", "--dry-run", "--json"))
    assert (planned["id"], planned["way"]) == (old["id"], "seal anew")

    process = changed.start("rekey")
    assert process.stderr
    while "sealing" not in (line := process.stderr.readline()):
        assert line, "it has ended before it began"
    time.sleep(0.5)  # into the dump, which takes longer
    process.send_signal(signal.SIGKILL)
    process.communicate()
    [before] = json.loads(changed.ok("backups", "--json"))[-1:]
    assert (before["id"], before["state"]) == (old["id"], "good")

    changed.ok("rekey")

    [record] = json.loads(changed.ok("backups", "--json"))
    assert record["summary"]["rekeyed_from"] == old["id"]
    assert (record["state"], record["pinned"]) == ("good", True)
    assert record["summary"]["label"] == "before"
    assert changed("verify", "--deep").code == 0
    store, stack = filled.environment["AKBOT_STORE"], changed.environment["AKBOT_STACK"]
    files = stranger.fetch(filled, store, f"{stack}/", tmp_path)
    [dump] = [each for each in files if each.name == "postgres.dump.age"]
    opened = stranger.shell('age -d -i "$1" "$2"', new_key, dump)
    assert opened.startswith(b"PGDMP")
    refused = stranger.shell('! age -d -i "$1" "$2" 2>&1', akbot.identity, dump)
    assert b"no identity matched" in refused
    states = [(job["kind"], job["state"]) for job in json.loads(changed.ok("jobs", "--json"))]
    assert states[:3] == [("verify", "done"), ("rekey", "done"), ("rekey", "interrupted")]
