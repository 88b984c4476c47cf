"""`akbot restore` as a person meets it: arguments, what it shows, the word that it asks for."""

import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.cli import make_parser
from bot.domain.backup_id import BackupId
from bot.domain.contents import Contents
from bot.domain.errors import ConfigError
from bot.domain.restore import SessionsDo
from bot.domain.restore_plan import ForeignDump, Preview
from bot.entrypoints.confirmation import Confirmation
from bot.entrypoints.render_restore import preview_lines, restored_lines
from bot.entrypoints.restore_arguments import check_arguments
from bot.services.restore import Restored
from tests.domain.test_manifest import MANIFEST
from tests.fakes_stack import make_facts

PREVIEW = Preview(
    backup_id=BackupId("20261123T033000Z-k3f9"),
    manifest=replace(MANIFEST, database=make_facts(authentik_core_user=12)),
    components=("postgres", "media"),
    untouched=("certs",),
    version_now="2025.4.1",
    version_then="2025.2.1",
    sessions=SessionsDo.FLUSH,
    safety_backup=True,
    live=make_facts(authentik_core_user=15),
    contents=Contents(15, 3, datetime(2026, 11, 24, 8, 0, tzinfo=UTC)),
    differences=("PG_PASS in .env is another one now",),
    warnings=("an old client",),
)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--undo", "--with-redis"], "--undo: it does not go with --with-redis"),
        (["--undo", "20261123T033000Z-k3f9"], "--undo: it does not go with ID"),
        (["--undo", "--component", "media"], "--undo: it does not go with --component"),
        (["--allow-unsigned"], "latest is always a trusted one"),
        (["--undo", "--dump", "x"], "--undo: it does not go with --dump"),
        (["--dump", "x", "20261123T033000Z-k3f9"], "--dump: it does not go with ID"),
        (["--dump", "x", "--component", "media"], "--dump: it does not go with --component"),
        (["--dump", "x", "--trust", "k"], "--dump: it does not go with --trust"),
        (["--dump", "x", "--allow-unsigned"], "--dump: it does not go with --allow-unsigned"),
        (["--dump", "x", "--with-redis"], "--dump: it does not go with --with-redis"),
        (["--undo", "--apply-compose"], "--undo: it does not go with --apply-compose"),
        (["--dump", "x", "--apply-compose"], "--dump: it does not go with --apply-compose"),
        (["--apply-compose", "--component", "media"], "it does not go with --component"),
        (["2026", "--apply-compose", "--allow-unsigned"], "it does not go with --allow-unsigned"),
        (["--dump", ""], "it names no file"),
        (["--dump", "-"], "nobody can be asked there"),
        (["--from", ""], "--from: its value is empty"),
        (["--from", "file:///x", "--stack", ""], "--stack: its value is empty"),
        (["--trust", ""], "--trust: its value is empty"),
        (["--bootstrap", "--from", "", "--identity", "x"], "--from: its value is empty"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(
    arguments: Sequence[str], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        check_arguments(make_parser().parse_args(["restore", *arguments]))


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--undo", "--yes"],
        ["--undo", "--dry-run"],
        ["--apply-compose", "--dry-run"],
        ["2026", "--allow-unsigned", "--yes"],
        ["--dump", "x", "--keep-queue", "--no-safety-backup"],
        ["--dump", "-", "--yes"],
        ["--dump", "-", "--dry-run"],
    ],
)
def test_others_are_taken(arguments: Sequence[str]) -> None:
    check_arguments(make_parser().parse_args(["restore", *arguments]))


def test_a_person_is_shown_what_is_replaced_lost_and_who_comes_back() -> None:
    shown = "\n".join(preview_lines(PREVIEW))

    for words in (
        "20261123T033000Z-k3f9", "Replaced: postgres, media.", "Not touched: certs.",
        "15 users now, 12 then", "newest event is of 2026-11-24 08:00 UTC",
        "Who was deleted since comes back", "tokens revoked since", "passwords are the old",
        "Authentik 2025.4.1 becomes 2025.2.1 again.", "Redis is emptied", "backed up first",
        "differs: PG_PASS", "warning: an old client",
    ):  # fmt: skip
        assert words in shown
    without = replace(PREVIEW, safety_backup=False, components=("media",))
    assert "There is a newer good backup." not in shown
    assert "There is a newer good backup." in preview_lines(replace(PREVIEW, newest=False))
    assert "NO safety backup" in "\n".join(preview_lines(without))
    assert "Who was deleted" not in "\n".join(preview_lines(without))


def test_a_dump_is_shown_beside_what_serves() -> None:
    then = datetime(2026, 10, 1, 7, 30, tzinfo=UTC)
    dump = ForeignDump('"a.sql"', make_facts(authentik_core_user=9), Contents(9, 1, then))
    preview = replace(
        PREVIEW, dump=dump, manifest=None, backup_id=None, components=("postgres",),
        untouched=("media", "certs"), version_then="2025.6.1",
    )  # fmt: skip

    shown = "\n".join(preview_lines(preview))

    for words in (
        'The dump "a.sql", of Authentik 2025.6.1, is to serve.', "Not touched: media, certs.",
        "15 users now, 9 then", "The newest event in the dump is of 2026-10-01 07:30 UTC.",
        "the newest event is of 2026-11-24 08:00 UTC", "Who was deleted since comes back",
        "Authentik 2025.4.1 becomes 2025.6.1.", "backed up first", "warning: an old client",
    ):  # fmt: skip
        assert words in shown


def test_an_undo_says_what_it_takes_back() -> None:
    undo = replace(
        PREVIEW, undo_of=BackupId("20261124T033000Z-aaaa"), manifest=None, backup_id=None
    )

    shown = "\n".join(preview_lines(undo))

    assert "The restore 20261124T033000Z-aaaa is taken back: postgres, media." in shown
    assert "lost" in shown


def test_the_outcome_says_how_to_take_it_back() -> None:
    done = Restored("20261124T033000Z-aaaa", "20261123T033000Z-k3f9", "2025.2.1", 21.0, away=12.0)

    lines = restored_lines(done)

    assert lines[0] == (
        "Backup 20261123T033000Z-k3f9 serves with Authentik 2025.2.1, after 21 s;"
        " for 12 s of them nobody could log in."
    )
    assert "akbot restore --undo" in lines[1]
    of_a_dump = replace(done, backup="", dump='"a.sql"')
    assert restored_lines(of_a_dump)[0].startswith('The dump "a.sql" serves with Authentik')
    assert of_a_dump.words == (
        'the dump "a.sql" serves after 21 s, Authentik 2025.2.1; nobody could log in for 12 s'
    )
    assert restored_lines(replace(done, undone="x"))[0].startswith("The restore x is taken back")


ASK = """
import asyncio
from tests.test_restore_command import PREVIEW
from bot.entrypoints.confirmation import Confirmation
asked = Confirmation(agreed={agreed}, within={within})
print("AGREED" if asyncio.run(asked(PREVIEW)) else "REFUSED")
"""


def answer(typed: bytes, *, agreed: bool = False, within: float = 60) -> str:
    """What comes of it at a terminal at which *typed* is typed, and nothing more."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", ASK.format(agreed=agreed, within=within)],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(theirs)
    os.write(ours, typed)
    out, err = process.communicate(timeout=600)
    os.close(ours)
    assert process.returncode == 0, err
    assert "Replaced: postgres, media." in err
    return out.strip()


@pytest.mark.parametrize(
    ("typed", "outcome"),
    [(b"yes\n", "AGREED"), (b"no\n", "REFUSED"), (b"y\n", "REFUSED"), (b"\n", "REFUSED")],
)
def test_only_the_whole_word_is_a_yes(typed: bytes, outcome: str) -> None:
    assert answer(typed) == outcome


@pytest.mark.parametrize("typed", [b"", b"yes"])
def test_a_prompt_that_was_left_open_ends_as_a_no(typed: bytes) -> None:
    assert answer(typed, within=0.2) == "REFUSED"


def test_a_person_has_ten_minutes_to_read_what_is_planned() -> None:
    assert Confirmation(agreed=False).within == 600


def test_nobody_is_asked_who_has_said_yes_already() -> None:
    assert answer(b"", agreed=True) == "AGREED"
