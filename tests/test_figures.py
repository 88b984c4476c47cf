"""The benchmark's figures: how they are told, and that the README holds what RESULTS.md says."""

import json
from pathlib import Path

import pytest

from tests.bench import idle, readme, report
from tests.bench.parts import Found, Options, part_of
from tests.bench.picture import picture
from tests.bench.pipeline import Used
from tests.bench.remarks import CHECKING, COMPARING, LOADING, TWO_JOBS
from tests.bench.restore import loading, steps
from tests.bench.results import DOWNTIME, TIMES, VERDICT, Figure, Machine, Part, load, save
from tests.bench.rollout import add_parts
from tests.bench.update import COPY, START
from tests.bench.written import JSON, PICTURE, README, RESULTS, merged

QUIET = Machine("2026-11-26 10:00 UTC", 2, "23 GiB", "6.1", 0.2, 2.1, 0.1, {"restic": "0.14.0"})
BUSY = Machine("2026-11-26 10:00 UTC", 2, "23 GiB", "6.1", 9.4, 12.0, 1.9, {})


def part(name: str, machine: Machine = QUIET, *figures: Figure) -> Part:
    return Part(name, "About it.", machine, figures, {"restic": "restic backup"}, ("Said.",), 3)


def wall(subject: str, *values: float, case: str = "1GiB, first run") -> Figure:
    return Figure(case, subject, "wall", "s", values)


LIMIT, OURS, OTHER = (
    wall("limit", 4, 5, 6),
    wall("akbot, S3", 6, 5, 9),
    wall("a | b, S3", 8, 20, 12),
)


def test_the_readme_holds_the_short_table_of_the_results() -> None:
    assert readme.held(README.read_text()) == report.short_of(RESULTS.read_text())


def test_the_results_and_the_picture_are_what_was_found() -> None:
    parts = load(JSON)

    assert RESULTS.read_text() == report.results(parts)
    assert PICTURE.read_text() == picture(parts)


def test_an_update_is_held_against_what_it_takes_beside_start_and_copy() -> None:
    parts = {"containers stop": 1.5, COPY: 1.4, "Compose starts": 0.6, START: 8.0}
    found = Found()
    add_parts(found, DOWNTIME, parts)
    add_parts(found, VERDICT, {"they are started": 1.0, START: 8.0})
    rollout = part_of("update", "About it.", QUIET, found, Options())

    assert report.short([rollout]).splitlines() == [
        "| | goal | measured |",
        "| --- | ---: | ---: |",
        "| downtime of an update beside start and copy | 3 s | 2.10 s |",
        "| verdict to old version serving beside its start | 3 s | 1.00 s |",
    ]
    shown = report.results([rollout])
    assert f"{DOWNTIME}: of 11.5 s akbot itself takes 2.1 s" in shown
    assert f"{VERDICT}: of 9.0 s akbot itself takes 1.0 s" in shown
    busy = part_of("update", "About it.", BUSY, found, Options())
    assert "downtime" not in report.short([busy])


def test_what_was_found_is_read_as_it_was_written(tmp_path: Path) -> None:
    parts = [part("backup", QUIET, LIMIT, OURS), part("restore")]
    save(parts, tmp_path / "results.json")

    assert load(tmp_path / "results.json") == parts
    assert json.loads((tmp_path / "results.json").read_text())[0]["figures"][0]["values"] == [
        4,
        5,
        6,
    ]


def test_a_part_that_is_measured_again_takes_its_own_place() -> None:
    again = part("backup", BUSY)

    found = merged([part("restore"), part("backup")], again, ("backup", "chat", "restore"))

    assert found == [again, part("restore")]


def test_a_table_has_medians_and_the_ratios_of_each_turn() -> None:
    text = report.results([part("backup", QUIET, LIMIT, OURS, OTHER)])

    assert "| limit | 5.00 (4.00 to 6.00) | 1.00 | 0.67 |" in text
    assert "| **akbot, S3** | 6.00 (5.00 to 9.00) | 1.50 | 1.00 |" in text
    assert r"| a \| b, S3 | 12.0 (8.00 to 20.0) | 2.00 | 1.33 |" in text


@pytest.mark.parametrize(("machine", "marked"), [(QUIET, False), (BUSY, True)])
def test_figures_of_a_busy_machine_are_marked(machine: Machine, *, marked: bool) -> None:
    text = report.results([part("backup", machine, LIMIT)])

    assert ("**Others worked on this machine" in text) is marked
    assert (
        "others worked on the machine: the seconds of backup." in report.short_of(text)
    ) is marked
    assert ("5.00 s" in report.short_of(text)) is not marked


def test_a_goal_is_shown_once_it_was_measured() -> None:
    late = Figure("docker kill", "akbot", "late", "s", (0.3, 0.2, 0.9))

    assert "| Docker event to message | 1 s | 0.30 (0.20 to 0.90) s |" in report.short(
        [part("watch", QUIET, late)]
    )


@pytest.mark.parametrize(("machine", "shown"), [(QUIET, True), (BUSY, False)])
def test_a_goal_beside_the_limit_is_shown_as_a_multiple(machine: Machine, *, shown: bool) -> None:
    cpu = Figure("1GiB, first run", "limit", "CPU", "s", (4, 4, 4))
    ours = Figure("1GiB, first run", "akbot, S3", "CPU", "s", (6, 10, 8))

    text = report.short([part("backup", machine, LIMIT, OURS, cpu, ours)])

    assert (f"| backup of 1 GiB | 1.15 {TIMES} limit | 1.50 {TIMES} limit |" in text) is shown
    assert (
        f"| CPU of a backup of 1 GiB | 1.5 {TIMES} limit | 2.00 {TIMES} limit |" in text
    ) is shown


def test_of_an_idle_daemon_both_memories_before_a_backup_stand_beside_the_goal() -> None:
    before = idle.Idle(600, idle.Memory(80, 100, 70), 0.2, 3)
    after = idle.Idle(600, idle.Memory(95, 115, 85), 0.3, 4)
    found = Found()

    idle.Day(before, after, idle.Memory(96, 116, 86)).tell(found)

    text = report.results([part_of(idle.NAME, idle.ABOUT, QUIET, found, Options())])
    assert "| memory when idle, proportional | 90 MiB | 80.0 MiB |" in text
    assert "| memory when idle, resident | 90 MiB | 100 MiB |" in text
    assert "| **akbot** | 80.0 | 100 | 70.0 | 0.20 | 3.00 |  |" in text
    assert "| **akbot, after a backup** | 95.0 | 115 | 85.0 | 0.30 | 4.00 | 96.0 |" in text


@pytest.mark.parametrize(
    ("before", "cpu_after", "well"),
    [(89.9, 0.5, True), (90.1, 0.5, False), (89.9, 0.6, False)],
)
def test_whether_an_idle_daemon_is_well_says_the_same(
    before: float, cpu_after: float, *, well: bool
) -> None:
    first = idle.Idle(600, idle.Memory(before, 115, 85), 0.2, 3)
    after = idle.Idle(600, idle.Memory(95, 115, 85), cpu_after, 3)

    assert idle.Day(first, after, idle.Memory(95, 115, 85)).well is well


def test_the_table_beside_each_other_takes_the_largest_size() -> None:
    backup = part(
        "backup", QUIET, LIMIT, OURS, wall("limit", 7, case="1GiB, 1 % of the rows changed")
    )
    restore = part(
        "restore", QUIET, *(wall(each, 3, case="1GiB") for each in ("limit", "akbot, S3"))
    )

    assert "| **akbot, S3** | 6.00 s | 1.50 |  |  |  |  |  | 3.00 s | 1.00 |" in report.short(
        [backup, restore]
    )


def by_jobs(two: float, machine: Machine = QUIET) -> Part:
    """One job takes 10 s, and 20 s of CPU."""
    figures = [
        Figure("1GiB", subject, quantity, "s", (value,))
        for subject, seconds, cpu in ((TWO_JOBS, two, 22.0), ("limit", 10.0, 20.0))
        for quantity, value in (("wall", seconds), ("CPU", cpu))
    ]
    return part("restore", machine, *figures)


def test_what_a_second_job_of_a_restore_would_bring_is_said_beside_the_figures() -> None:
    text = report.results([by_jobs(9.3)])

    said = "two jobs of `pg_restore` load in 0.93 of the time of one, with 22.0 s of CPU instead of"
    assert f"- Said.\n- 1GiB: {said} 20.0 s, on 2 cores." in text


def test_what_no_peer_does_in_a_restore_is_said_beside_the_figures() -> None:
    parts = {CHECKING: (0.9, 1.0, 1.2), LOADING: (4.4, 5.0, 5.4), COMPARING: (0.8, 0.7, 0.6)}
    figures = [Figure("1GiB", "akbot, S3", name, "s", each) for name, each in parts.items()]

    text = report.results([part("restore", QUIET, wall("limit", 4, 5, 6, case="1GiB"), *figures)])

    assert "akbot's time from S3 1.0 s read the object once" in text
    assert "0.7 s counted every row" in text
    assert "The load itself, 5.0 s, is 1.00 of the limit" in text


@pytest.mark.parametrize("measured", [by_jobs(7.0), by_jobs(9.3, BUSY), part("restore")])
def test_nothing_is_concluded_where_the_figures_do_not_say_it(measured: Part) -> None:
    assert "two jobs of" not in report.results([measured])


def test_the_place_in_the_readme_is_written_anew() -> None:
    results = report.results([part("backup", QUIET, LIMIT)])
    once = readme.with_short(f"before\n{readme.BEGIN}old{readme.END}\nafter\n", results)

    assert readme.held(once) == report.short_of(results)
    assert once.startswith("before\n")
    assert once.endswith("\nafter\n")
    assert readme.with_short(once, results) == once


def test_a_step_lasts_until_the_next_is_told() -> None:
    lines = [(1.0, "checking postgres"), (2.0, "postgres: verified"), (4.0, "restoring postgres")]

    assert steps(lines, 9.5) == {"checking postgres": 3.0, "restoring postgres": 5.5}


def test_the_parts_of_a_restore_are_its_steps() -> None:
    told = ["checking postgres", "restoring postgres beside what serves", "comparing every table"]
    lines = [(float(at), line) for at, line in enumerate([*told, "starting"], start=1)]

    assert loading(used(lines)) == {CHECKING: 1.0, LOADING: 1.0, COMPARING: 1.0}
    with pytest.raises(SystemExit, match="other steps"):
        loading(used(lines[1:]))


def used(lines: list[tuple[float, str]]) -> Used:
    return Used(9.0, 0.0, 0.0, 0.0, 0.0, 0.0, lines=lines)
