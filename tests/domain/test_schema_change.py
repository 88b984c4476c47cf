"""What must happen to a database on which a version did not hold: a table."""

import pytest

from bot.domain.manifest import DatabaseFacts, SchemaFingerprint, VersionRow
from bot.domain.schema_change import RowsMoved, WayBack, judge_change, rows_moved


def facts(
    *migrations: str, catalogue: str = "a", versions: str = "2025.2.1", **rows: int
) -> DatabaseFacts:
    schema = SchemaFingerprint(catalogue * 64, len(migrations), {"core": migrations})
    return DatabaseFacts(
        name="authentik",
        size=1,
        rows={f"public.{name}": count for name, count in rows.items()},
        schemas={"public": schema},
        versions=tuple(VersionRow(each, "", "2026-01-01") for each in versions.split()),
    )


BEFORE = facts("0001")
TABLE = {
    "nothing": (facts("0001"), WayBack.STAY, "had not been touched"),
    "only rows": (facts("0001", authentik_core_user=5), WayBack.STAY, "had not been touched"),
    "a version row": (
        facts("0001", versions="2025.2.1 2025.4.4"),
        WayBack.DELETE_VERSION,
        "only noted that 2025.4.4 began",
    ),
    "a migration": (
        facts("0001", "0002", versions="2025.2.1 2025.4.4"),
        WayBack.SWAP,
        "1 migration had been applied",
    ),
    "a system migration": (facts("0001", catalogue="b"), WayBack.SWAP, "tables had been changed"),
    "a version row and a system migration": (
        facts("0001", catalogue="b", versions="2025.2.1 2025.4.4"),
        WayBack.SWAP,
        "tables had been changed",
    ),
    "a migration that is gone": (facts(), WayBack.SWAP, "tables had been changed"),
    "a version row that is gone": (facts("0001", versions=""), WayBack.SWAP, "record of versions"),
}


@pytest.mark.parametrize("name", TABLE)
def test_the_way_back(name: str) -> None:
    now, way, words = TABLE[name]

    change = judge_change(BEFORE, now)

    assert change.way is way
    assert words in change.words
    assert [each.version for each in change.versions] == (
        ["2025.4.4"] if way is WayBack.DELETE_VERSION else []
    )


def test_what_a_tenant_has_migrated_counts() -> None:
    tenant = SchemaFingerprint("c" * 64, 1, {"core": ("0001",)})
    now = DatabaseFacts("authentik", 1, {}, {**BEFORE.schemas, "t_one": tenant}, BEFORE.versions)

    assert judge_change(BEFORE, now).way is WayBack.SWAP


def test_rows_that_people_wrote_are_counted_and_noise_is_not() -> None:
    before = facts(
        "0001", authentik_core_user=5, authentik_core_group=3, authentik_tasks_task=1, gone=3
    )
    now = facts(
        "0001",
        authentik_core_user=7,
        authentik_core_group=2,
        authentik_tasks_task=90,
        added=50,
        django_migrations=9,
    )

    assert rows_moved(before, now) == RowsMoved(more=2, fewer=1)


def test_a_single_row_counts_either_way() -> None:
    before, now = facts("0001", one=1, two=2, same=3), facts("0001", one=2, two=1, same=3)

    assert rows_moved(before, now) == RowsMoved(more=1, fewer=1)


def test_only_the_name_of_a_table_makes_it_noise_not_that_of_its_schema() -> None:
    before, now = (
        DatabaseFacts("authentik", 1, {"t_a.authentik_core_user.django_migrations": count}, {}, ())
        for count in (1, 3)
    )

    assert rows_moved(before, now) == RowsMoved(more=2)


def test_what_is_counted_is_told_with_both_figures() -> None:
    assert str(RowsMoved(1_204, 1)) == "1,204 rows more and 1 fewer"
    assert str(RowsMoved(1, 0)) == "1 row more and 0 fewer"
    assert RowsMoved(fewer=1)
    assert not RowsMoved()
