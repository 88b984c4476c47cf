"""What is told of a backup that does not look like the ones before it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.domain.manifest import Component, DatabaseFacts, Manifest, Software
from bot.domain.plausibility import CORE_TABLES, doubts

ID = "20261123T033000Z-k3f9"


def facts(rows: int) -> DatabaseFacts:
    tables = {f"public.{name}": 1 for name in CORE_TABLES}
    return DatabaseFacts("authentik", 1, {**tables, "public.authentik_events_event": rows - 3}, {})


def dump(size: int) -> Component:
    key = f"authentik/{ID}/postgres.dump.age"
    return Component("postgres", key, size, size, "0" * 64, 1.0)


def earlier(rows: int, size: int | None) -> Manifest:
    return Manifest(
        id=ID,
        stack="authentik",
        created=datetime(2026, 11, 23, 3, 30, tzinfo=UTC),
        trigger="schedule",
        actor="schedule",
        software=Software("2025.2.1", "image", None),
        database=facts(rows),
        components=() if size is None else (dump(size),),
        recipients=(),
    )


@pytest.mark.parametrize(
    ("rows", "size", "before"),
    [
        (1000, 80, None),
        (1000, 80, earlier(1000, 80)),
        (1000, 41, earlier(1000, 80)),
        (2000, 41, earlier(1000, 80)),
        (600, 30, earlier(1000, 80)),
        (500, 80, earlier(1000, 80)),
        (1000, 40, earlier(1000, 80)),
        (1000, 41, earlier(0, 80)),
        (1000, 1, earlier(1000, None)),
    ],
)
def test_a_dump_as_usual_raises_no_doubt(rows: int, size: int, before: Manifest | None) -> None:
    assert doubts(facts(rows), dump(size), before) == ()


@pytest.mark.parametrize(("rows", "size"), [(1000, 20), (1000, 39), (2000, 39), (600, 20)])
def test_a_dump_that_is_much_smaller_than_the_last_one_does(rows: int, size: int) -> None:
    [doubt] = doubts(facts(rows), dump(size), earlier(1000, 80))

    assert doubt == (
        f"the dump has {size} bytes, that of the last good backup {ID} had 80,"
        " for about as many rows"
    )


def test_other_doubts_stand_beside_it() -> None:
    few = replace(facts(1000), rows={"public.authentik_core_user": 0})

    found = doubts(few, None, earlier(1000, 80))

    assert len(found) == 3
    assert found[-1] == f"the database has 0 rows, the last good backup {ID} had 1,000"


def test_a_tenant_of_any_name_has_the_core_tables() -> None:
    rows = {f"t.one.{name}": 1 for name in CORE_TABLES}

    assert doubts(replace(facts(3), rows=rows), None, None) == ()
