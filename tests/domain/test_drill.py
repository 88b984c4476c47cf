"""What a drill makes of a restored database, and what a person hears of drills."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.backup_id import parse_backup_id
from bot.domain.contents import Contents
from bot.domain.drill import (
    DrillReport,
    Verdict,
    compare_databases,
    decode_report,
    drill_file,
    drill_of,
    encode_report,
    judge_drills,
)
from bot.domain.errors import IntegrityError
from bot.domain.findings import Level
from bot.domain.manifest import DatabaseFacts, SchemaFingerprint, VersionRow
from bot.domain.schedule import Schedule

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
ID = parse_backup_id("20261123T033000Z-k3f9")
WEEKLY = Schedule("0 5 * * 0", UTC)
FACTS = DatabaseFacts(
    name="authentik",
    size=1,
    rows={"public.a": 3, "public.b": 0, "t_one.a": 5_000},
    schemas={
        "public": SchemaFingerprint("0" * 64, 2, {"core": ("0001", "0002")}),
        "t_one": SchemaFingerprint("1" * 64),
    },
    versions=(VersionRow("2025.2.1", "", "2026-01-01"),),
)
REPORT = DrillReport(
    backup_id=ID,
    stack="authentik",
    verdict=Verdict.PASS,
    began=NOW - timedelta(days=2),
    seconds=12.4,
    rows=1234,
    keys=5,
    contents=Contents(12, 3, NOW - timedelta(days=3)),
    components=("postgres", "media"),
)


def test_the_same_is_no_difference() -> None:
    assert compare_databases(FACTS, replace(FACTS, name="akbot_drill", size=2)) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"rows": {"public.a": 3, "public.b": 0}},
            'the table "t_one.a" is missing, with its 5,000 rows',
        ),
        ({"rows": {"public.a": 3, "t_one.a": 5_000}}, 'the table "public.b" is missing'),
        ({"rows": {**FACTS.rows, "public.a": 2}}, '"public.a" has 2 rows instead of 3'),
        ({"rows": {**FACTS.rows, "public.c": 2}}, 'there is a table "public.c" that was not'),
        ({"schemas": {"public": FACTS.schemas["public"]}}, 'the schema "t_one" is missing'),
        (
            {"schemas": {**FACTS.schemas, "public": SchemaFingerprint("0" * 64, 1, {"core": ()})}},
            'the schema "public" has other migrations',
        ),
        (
            {"schemas": {**FACTS.schemas, "t_one": SchemaFingerprint("2" * 64)}},
            'the schema "t_one" has other tables, columns or indexes',
        ),
        ({"versions": ()}, "the history of Authentik's versions is another one"),
    ],
)
def test_each_difference_is_said(change: dict[str, object], reason: str) -> None:
    [found] = compare_databases(FACTS, replace(FACTS, **change))  # type: ignore[arg-type]

    assert found.startswith(reason)


def test_a_message_names_a_few_tables_and_counts_the_rest() -> None:
    rows = {f"public.t{number:02}": 1 for number in range(20)}

    found = compare_databases(replace(FACTS, rows=rows), replace(FACTS, rows={}))

    assert len(found) == 6
    assert found[-1] == "and 15 more of that kind"


@pytest.mark.parametrize(("tables", "rest"), [(5, []), (6, ["and 1 more of that kind"])])
def test_the_rest_is_counted_where_there_is_one(tables: int, rest: list[str]) -> None:
    rows = {f"public.t{number:02}": 1 for number in range(tables)}

    assert compare_databases(replace(FACTS, rows=rows), replace(FACTS, rows={}))[5:] == rest


def test_a_report_comes_back_as_it_was() -> None:
    assert decode_report(encode_report(REPORT), stack="authentik", backup_id=ID) == REPORT


@pytest.mark.parametrize(
    ("stack", "document"),
    [
        ("other", encode_report(REPORT)),
        ("authentik", encode_report(REPORT).replace(b"akbot-drill-1", b"akbot-drill-2")),
        ("authentik", b"[]"),
        ("authentik", b"{"),
        ("authentik", json.dumps({"format": "akbot-drill-1"}).encode()),
    ],
)
def test_another_document_is_no_report(stack: str, document: bytes) -> None:
    with pytest.raises(IntegrityError, match="read the drill of"):
        decode_report(document, stack=stack, backup_id=ID)


def test_which_objects_are_reports() -> None:
    assert drill_of(drill_file(ID)) == ID
    for name in ("manifest.json", "drill-x.json", f"drill-{ID}.json.sig", f"{ID}.json"):
        assert drill_of(name) is None


FIRST = NOW - timedelta(days=5)


@pytest.mark.parametrize(
    ("newest", "first", "plan", "expected", "words"),
    [
        (None, None, WEEKLY, None, ""),
        (None, FIRST, WEEKLY, Level.OK, "no backup was drilled yet"),
        (None, NOW - timedelta(days=15), WEEKLY, Level.WARNING, "none was ever drilled"),
        (None, NOW - timedelta(days=90), None, Level.OK, "no backup was drilled yet"),
        (REPORT, FIRST, WEEKLY, Level.OK, f"backup {ID} came back in 12 s, 1,234 rows, 12 users"),
        (
            replace(REPORT, began=NOW - timedelta(days=15)),
            FIRST,
            WEEKLY,
            Level.WARNING,
            "no backup was proven lately: the last drill was on 2026-11-10",
        ),
        (replace(REPORT, began=NOW - timedelta(days=90)), FIRST, None, Level.OK, "came back"),
        (
            replace(REPORT, verdict=Verdict.FAIL, reasons=("a table is missing", "b")),
            FIRST,
            WEEKLY,
            Level.FAILURE,
            f"the drill of backup {ID} failed: a table is missing; b",
        ),
        (
            replace(REPORT, verdict=Verdict.COULD_NOT_RUN, reasons=("no key",)),
            FIRST,
            WEEKLY,
            Level.WARNING,
            "the last drill could not run: no key",
        ),
        (
            replace(REPORT, verdict=Verdict.READ),
            FIRST,
            WEEKLY,
            Level.OK,
            f"backup {ID} lies in the store as it was sent, read in 12 s",
        ),
    ],
)
def test_what_a_person_hears(
    newest: DrillReport | None,
    first: datetime | None,
    plan: Schedule | None,
    expected: Level | None,
    words: str,
) -> None:
    finding = judge_drills(newest, first, NOW, plan)

    assert (finding.level if finding else None) == expected
    assert finding is None or words in finding.message
    assert finding is None or finding.level is Level.OK or finding.remedy
