"""Check codes, what is remembered of a kit, when it is asked for, and the sheet itself."""

import re
import shlex
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import segno

from bot.domain.findings import Level
from bot.domain.kit import Kit, PrivateKey, SealedFor, check_code, parse_code, show_code
from bot.domain.kit_record import (
    Confirmation,
    KitRecord,
    format_record,
    judge_kit,
    make_verifier,
    parse_record,
)
from bot.domain.kit_sheet import kit_sheet
from bot.domain.signature import PublicKey
from bot.domain.store_list import NamedStore, derived_name
from bot.domain.store_url import DirectoryLocation, S3Location, parse_store_url
from bot.entrypoints.qr import draw_qr

NOW = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)
A, B = "SHA256:aaaaaaaaaaaaaaaa", "SHA256:bbbbbbbbbbbbbbbb"
REMINDER = timedelta(days=180)
SECRET = "AGE-SECRET-KEY-1XRFNC8M3C8ZLZR98Z926LXEYEWKM6ELUE9Q4XRD2GQXHPTHJGF2QK746DX"
RECIPIENT = "age1dete6yk6kpkzh7s7kjf2duwqfv27m8gk0tv4a3lhdmpdrr3l7vrqyfdg4l"
SIGNER = PublicKey("ed25519:qyyBFcbX1JerabpLgt0BOMH8xrA0IURGa+3Y5N0/NpE=")


def one_store(location: S3Location | DirectoryLocation) -> tuple[NamedStore, ...]:
    return (NamedStore(derived_name(location), location),)


KIT = Kit(
    stack="authentik",
    stores=one_store(
        S3Location("my-bucket", "home", "https://s3.example.org", "eu-central-1", path_style=True)
    ),
    recipients=(SealedFor(RECIPIENT, A),),
    signers=(SIGNER,),
    identity_path="/var/lib/akbot/identity.txt",
    database_service="postgresql",
    printed=NOW,
    version="0.1.0",
)
KEY = PrivateKey(SECRET, A, check_code(SECRET, RECIPIENT))


def test_a_code_is_that_of_one_key_and_stays_the_same() -> None:
    assert check_code(SECRET, RECIPIENT) == "1S5ZRD9277"  # on paper for years: it never changes
    assert check_code(SECRET, RECIPIENT) != check_code(SECRET[:-1] + "Y", RECIPIENT)
    assert check_code(SECRET, RECIPIENT) != check_code(SECRET, RECIPIENT[:-1] + "m")
    assert parse_code(check_code(SECRET, RECIPIENT)) == check_code(SECRET, RECIPIENT)


@pytest.mark.parametrize(
    "typed",
    [
        "01ABC-1DEF0",
        "01abc1def0",
        " 01abc 1def0\n",
        "oiabc-ldefO",
        "OLABC\u2013IDEFo",
        "01.abc_1def0",
    ],
)
def test_the_usual_mistakes_are_forgiven(typed: str) -> None:
    assert parse_code(typed) == "01ABC1DEF0"


@pytest.mark.parametrize("typed", ["", "01ABC-1DEF", "01ABC-1DEF00", "01ABC-1DEFU", "01ABC-1DEF€"])
def test_what_cannot_be_a_code_is_none(typed: str) -> None:
    assert parse_code(typed) is None


def test_a_code_is_shown_in_two_groups() -> None:
    assert show_code("01ABC1DEF0") == "01ABC-1DEF0"


def test_a_verifier_knows_the_code_and_does_not_tell_it() -> None:
    verifier = make_verifier("01ABC1DEF0", [A], "salt")

    assert verifier.accepts("01ABC1DEF0")
    assert not verifier.accepts("01ABC1DEF1")
    assert "01ABC" not in repr(verifier) + format_record(KitRecord((verifier,))).decode()
    assert verifier.digest != make_verifier("01ABC1DEF0", [A], "other").digest


def test_a_record_is_read_as_it_was_written() -> None:
    record = KitRecord(
        (make_verifier("01ABC1DEF0", [A], "salt"), make_verifier("X", [A, B], "s", once=True)),
        Confirmation(NOW, (A,)),
    )

    assert parse_record(format_record(record)) == record
    assert parse_record(format_record(KitRecord())) == KitRecord()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        b'{"version": 2}',
        b'{"version": 1, "verifiers": 3}',
        b'{"version": 1, "verifiers": [], "confirmed": {"at": "2026-11-23", "keys": []}}',
    ],
)
def test_anything_else_is_no_record(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever is wrong
        parse_record(content)


def test_one_question_is_open_at_a_time_and_an_answer_uses_it_up() -> None:
    of_the_key = make_verifier("A", [A], "salt")
    record = KitRecord().adding([of_the_key]).adding([make_verifier("B", [A], "s", once=True)])
    second = make_verifier("C", [A, B], "s", once=True)

    asked = record.adding([second])
    assert asked.verifiers == (of_the_key, second)

    answered = asked.confirming(Confirmation(NOW, (A, B)))
    assert answered == KitRecord((of_the_key,), Confirmation(NOW, (A, B)))


def test_printing_again_replaces_what_was_remembered() -> None:
    again = make_verifier("A", [A], "another")

    assert KitRecord((make_verifier("A", [A], "salt"),)).adding([again]).verifiers == (again,)


def confirmed(days: float, *keys: str) -> Confirmation:
    return Confirmation(NOW - timedelta(days=days), keys or (A,))


@pytest.mark.parametrize(
    ("confirmation", "level", "words"),
    [
        pytest.param(None, Level.WARNING, "never confirmed", id="never"),
        pytest.param(confirmed(0), Level.OK, "confirmed today", id="now"),
        pytest.param(confirmed(1.5), Level.OK, "confirmed yesterday, ", id="yesterday"),
        pytest.param(confirmed(12.5), Level.OK, "12 days ago, asked for every 180", id="recently"),
        pytest.param(confirmed(179.9), Level.OK, "179 days ago", id="just in time"),
        pytest.param(confirmed(180), Level.WARNING, "180 days ago: is it still", id="due"),
        pytest.param(confirmed(900), Level.WARNING, "900 days ago", id="long due"),
        pytest.param(confirmed(1, B), Level.WARNING, f"another key, {B}", id="other key"),
        pytest.param(confirmed(1, A, B), Level.WARNING, "another key", id="one of them is gone"),
        pytest.param(confirmed(-0.5), Level.OK, "today", id="a clock that was set back a little"),
        pytest.param(confirmed(-400), Level.WARNING, "lies ahead", id="a clock that was wrong"),
    ],
)
def test_when_the_kit_is_asked_for(
    confirmation: Confirmation | None, level: Level, words: str
) -> None:
    for has_identity in (True, False):
        finding = judge_kit(NOW, [A], confirmation, REMINDER, has_identity=has_identity)

        assert (finding.level, words in finding.message) == (level, True)
        assert ("akbot kit --confirm" in finding.remedy) == (level is Level.WARNING)
        if level is Level.WARNING:
            assert ("--challenge" in finding.remedy) == (not has_identity)


def test_a_key_that_was_added_changes_nothing() -> None:
    finding = judge_kit(NOW, [A, B], confirmed(1), REMINDER, has_identity=True)

    assert finding.level is Level.OK


@pytest.mark.parametrize("confirmation", [None, confirmed(900), confirmed(1, B)])
def test_no_reminder_asks_never(confirmation: Confirmation | None) -> None:
    finding = judge_kit(NOW, [A], confirmation, timedelta(), has_identity=True)

    assert finding.level is Level.OK


def test_without_keys_the_sheet_has_all_but_a_secret() -> None:
    text = kit_sheet(KIT, draw_qr)

    for needed in (
        "s3://my-bucket/home",
        "https://s3.example.org",
        "eu-central-1",
        "authentik/",
        RECIPIENT,
        A,
        SIGNER,
        "/var/lib/akbot/identity.txt",
        "2026-11-23 03:30 UTC",
        "akbot 0.1.0",
        "AWS_SECRET_ACCESS_KEY=…",
        "deploy/RUNBOOK.md",
    ):
        assert needed in text
    assert "SECRET-KEY" not in text
    assert "Check code" not in text
    assert "█" not in text


def test_with_the_key_it_has_the_key_its_qr_code_and_its_check_code() -> None:
    text = kit_sheet(replace(KIT, keys=(KEY,)), draw_qr)

    assert f"\n{SECRET}\n" in text
    assert f"Check code   {show_code(KEY.code)}" in text
    assert "\n".join(draw_qr(SECRET)) in text
    assert "WHOEVER HOLDS THIS SHEET" in text


def test_a_key_of_earlier_days_is_on_it_without_a_check_code() -> None:
    old = PrivateKey(SECRET.replace("X", "Y"), B)

    text = kit_sheet(replace(KIT, keys=(KEY, old)), draw_qr)

    assert f"# {B}, old: for earlier backups only\n{old.text}\n" in text
    assert text.count("Check code ") == 1


@pytest.mark.parametrize("keys", [(), (KEY,)])
def test_it_is_two_pages_of_78_columns(keys: tuple[PrivateKey, ...]) -> None:
    lines = kit_sheet(replace(KIT, keys=keys), draw_qr).splitlines()

    assert [line for line in lines if len(line) > 78 and "--from" not in line] == []
    assert [line for line in lines if line != line.rstrip()] == []
    assert len(lines) <= 2 * 62


def test_a_hybrid_public_key_is_shortened_and_a_newer_age_is_asked_for() -> None:
    recipient = "age1pq1" + "q" * 1950

    text = kit_sheet(replace(KIT, recipients=(SealedFor(recipient, A),)), draw_qr)

    assert recipient not in text
    assert "age1pq1qqqq" in text
    assert "age 1.3 or newer" in text


@pytest.mark.parametrize(
    ("store", "expected"),
    [
        (
            KIT.stores[0].location,
            "s3://my-bucket/home?endpoint=https://s3.example.org&region=eu-central-1",
        ),
        (S3Location("bucket"), "s3://bucket"),
        (S3Location("bucket", profile="mine", ca_file=Path("/ca.pem")), "s3://bucket"),
        (S3Location("bucket", path_style=True), "s3://bucket?path_style=true"),
        (
            S3Location("bucket", endpoint="http://10.0.0.1:9000", path_style=False),
            "s3://bucket?endpoint=http://10.0.0.1:9000&path_style=false",
        ),
        (DirectoryLocation(Path("/mnt/my backups")), "file:///mnt/my%20backups"),
    ],
)
def test_the_bootstrap_command_names_the_store(
    store: S3Location | DirectoryLocation, expected: str
) -> None:
    text = kit_sheet(replace(KIT, stores=one_store(store)), draw_qr)

    found = re.search(
        r"^deploy/bootstrap latest --from (\S.*) \\\n    --stack \S+ --identity identity.txt"
        r" --project-dir …$",
        text,
        re.MULTILINE,
    )
    assert found
    assert found[1].strip("'") == expected


def test_a_folder_on_the_host_is_told_to_be_lost_with_it() -> None:
    text = kit_sheet(
        replace(KIT, stores=one_store(DirectoryLocation(Path("/mnt/backups")))), draw_qr
    )

    assert "/mnt/backups" in text
    assert "lost with the host" in text
    assert "AWS" not in text


def test_a_private_ca_is_named() -> None:
    text = kit_sheet(
        replace(KIT, stores=one_store(S3Location("b", ca_file=Path("/etc/ca.pem")))), draw_qr
    )

    assert "/etc/ca.pem" in text


def test_a_key_that_was_never_on_the_host_is_looked_for_elsewhere() -> None:
    text = kit_sheet(replace(KIT, identity_path=""), draw_qr)

    assert "nor on the host, by intention" in " ".join(text.split())


def test_the_qr_code_is_drawn_as_its_library_has_it() -> None:
    halves = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}
    drawn = [line.ljust(200) for line in draw_qr(SECRET)]
    rows = [[halves[each][half] for each in line] for line in drawn for half in (0, 1)]

    matrix = segno.make_qr(SECRET, error="q", boost_error=False).matrix
    for y, row in enumerate(matrix):
        assert rows[y + 4][4 : 4 + len(row)] == list(row)
    assert sum(map(sum, rows)) == sum(map(sum, matrix))


TWO = (
    *one_store(S3Location("my-bucket", "home", "https://s3.example.org", "eu-central-1")),
    NamedStore("nas", DirectoryLocation(Path("/mnt/nas"))),
)


def test_every_store_stands_on_it() -> None:
    text = kit_sheet(replace(KIT, stores=TWO), draw_qr)

    assert "   1. s3:my-bucket/home\n   Bucket    s3://my-bucket/home\n" in text
    assert "   2. nas\n   Folder    /mnt/nas\n" in text
    assert "\n# or: --from file:///mnt/nas\n" in text
    assert "or from nas:" in text
    assert 'cp -r /mnt/nas/"$set"/. "$set"' in text


def test_a_further_store_takes_a_few_lines() -> None:
    one, two = (
        kit_sheet(replace(KIT, keys=(KEY,), stores=stores), draw_qr).splitlines()
        for stores in (TWO[:1], TWO)
    )

    assert [line for line in two if len(line) > 78 and "--from" not in line] == []
    assert len(two) <= len(one) + 16


def test_stores_of_the_sheet_are_read_by_akbot_again() -> None:
    text = kit_sheet(replace(KIT, stores=TWO), draw_qr)
    urls = re.findall(r"--from (\S+)", text)

    assert [parse_store_url(shlex.split(url)[0]) for url in urls] == [each.location for each in TWO]


SHEETS = Path(__file__).parent / "kit"
HYBRID = SealedFor("age1pq1" + "q" * 1950, B)
KITS = {
    "with-its-keys": replace(KIT, stores=TWO, keys=(KEY, PrivateKey(SECRET.replace("X", "Y"), B))),
    "without-keys": replace(
        KIT,
        stores=one_store(S3Location("bucket", ca_file=Path("/etc/ca.pem"))),
        recipients=(*KIT.recipients, HYBRID),
    ),
    "of-a-folder": replace(
        KIT, stores=one_store(DirectoryLocation(Path("/mnt/nas"))), identity_path=""
    ),
}


@pytest.mark.parametrize("name", KITS)
def test_the_sheet_is_the_one_that_was_read(name: str, pytestconfig: pytest.Config) -> None:
    """Written by `--rewrite-goldens`, as the chat's conversations are."""
    sheet = kit_sheet(KITS[name], draw_qr)
    golden = SHEETS / f"{name}.txt"
    if pytestconfig.getoption("--rewrite-goldens"):
        golden.write_text(sheet)

    assert sheet == golden.read_text()


@pytest.mark.parametrize("more", [0, 1])
def test_a_command_is_broken_where_it_does_not_fit(more: int) -> None:
    command, options = "aws s3 ls s3://{}/X/authentik/", " --region eu-central-1"
    bucket = "b" * (78 - len(command.format("")) - len(options) + more)
    text = kit_sheet(
        replace(KIT, stores=one_store(S3Location(bucket, "X", region="eu-central-1"))), draw_qr
    )

    between = " \\\n   " if more else ""
    assert f"\n{command.format(bucket)}{between}{options}\n" in text
