"""RESULTS.md out of what was found: a short table first, which the README holds too, then all."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tests.bench.remarks import remarks
from tests.bench.results import (
    CHANGED,
    DOWNTIME,
    FIRST,
    LIMIT,
    OURS,
    OWN,
    TIMES,
    VERDICT,
    Figure,
    Machine,
    Part,
)

Item = TypeVar("Item")
S3 = f"{OURS}, S3"
SHORT = "In short"
FACTOR = f"{TIMES} {LIMIT}"
HEAD = """# What was measured

`tests/bench/run` writes this file, its picture and the table in the README; nothing here is written
by hand. Each figure is the median of the runs (least to most). All subjects of a case take turns
within one run.
"""
BUSY = (
    "**Others worked on this machine (they kept {0.others:g} of {0.cores} cores busy while the"
    " benchmark did nothing). Then seconds say nothing, not even beside each other: what runs in a"
    " container has a share of the processors of its own, what runs beside it waits. Bytes and"
    " memory hold.**"
)
BYTES = ("memory", "stored")
"""What the quantities begin with that a busy machine does not change."""


@dataclass(frozen=True)
class Goal:
    """A figure that the design names a limit for."""

    words: str
    part: str
    case: str
    subject: str
    quantity: str
    most: float
    beside: str = ""
    """The subject of whose quantity *most* is a multiple."""


GOALS = (
    Goal("backup of 1 GiB", "backup", "1GiB, first run", S3, "wall", 1.15, LIMIT),
    Goal("CPU of a backup of 1 GiB", "backup", "1GiB, first run", S3, "CPU", 1.5, LIMIT),
    Goal("restore of 1 GiB", "restore", "1GiB", S3, "wall", 1.2, LIMIT),
    Goal("memory of a backup, 1 GiB", "backup", "1GiB, first run", S3, "memory", 150.0),
    Goal("memory of a restore, 1 GiB", "restore", "1GiB", S3, "memory of its own process", 150.0),
    Goal("downtime of an update beside start and copy", "update", DOWNTIME, OURS, OWN, 3.0),
    Goal("verdict to old version serving beside its start", "update", VERDICT, OURS, OWN, 3.0),
    Goal("Docker event to message", "watch", "docker kill", OURS, "late", 1.0),
    Goal("answer while 1,000 strangers write", "chat", "burst", OURS, "the slowest answer", 1.0),
    Goal("memory when idle, proportional", "idle", "idle", OURS, "memory", 90.0),
    Goal("memory when idle, resident", "idle", "idle", OURS, "memory, resident", 90.0),
    Goal("CPU when idle, of a core", "idle", "idle", OURS, "CPU", 0.5),
    Goal("`akbot --help`", "commands", "64MiB", "akbot --help", "wall", 0.2),
    Goal("`akbot status`", "commands", "64MiB", "akbot status", "wall", 1.0),
    Goal(
        "`akbot backups`, 10,000 in the store",
        "growth",
        "10,000 backups",
        "akbot backups",
        "wall",
        2.0,
    ),
    Goal(
        "plan of a prune, 10,000", "growth", "10,000 backups", "akbot prune --dry-run", "wall", 5.0
    ),
    Goal(
        "memory of a prune's plan, 10,000",
        "growth",
        "10,000 backups",
        "akbot prune --dry-run",
        "memory",
        150.0,
    ),
)


def results(parts: Sequence[Part]) -> str:
    """The whole file."""
    picture = "![Backup and restore, as multiples of the limit](results.svg)\n"
    return "\n".join([HEAD, f"## {SHORT}\n", short(parts), picture, *map(_section, parts)])


def short(parts: Sequence[Part]) -> str:
    """The tables that the README holds too."""
    named = {each.name: each for each in parts}
    lines: list[str] = []
    if "backup" in named:
        lines += [*_side_by_side(named["backup"], named.get("restore")), ""]
    if goals := list(_goals(parts)):
        lines += ["| | goal | measured |", "| --- | ---: | ---: |", *goals, ""]
    busy = [each.name for each in parts if each.machine.busy]
    if busy:
        lines += [
            f"Left out, since others worked on the machine: the seconds of {', '.join(busy)}.",
            "",
        ]
    return "\n".join(lines)


def short_of(text: str) -> str:
    """The same, read back from the file."""
    begun = text.partition(f"\n## {SHORT}\n\n")[2]
    return begun.partition("\n![")[0].strip()


def _side_by_side(backup: Part, restore: Part | None) -> Iterator[str]:
    """One row for each contender at the largest size."""
    size = backup.figures[-1].case.partition(",")[0]
    first, changed = f"{size}, {FIRST}", f"{size}, {CHANGED}"
    columns = (
        ("backup", backup, first, "wall"),
        (FACTOR, backup, first, LIMIT),
        ("CPU", backup, first, "CPU"),
        ("memory", backup, first, "memory"),
        ("stored", backup, first, "stored"),
        ("again", backup, changed, "wall"),
        ("stored again", backup, changed, "stored"),
        ("restore", restore, size, "wall"),
        (FACTOR, restore, size, LIMIT),
    )
    shown = [
        (head, part, case, what)
        for head, part, case, what in columns
        if part and (what.startswith(BYTES) or not part.machine.busy)
    ]
    yield f"| {size} | {' | '.join(each[0] for each in shown)} |"
    yield "| --- |" + " ---: |" * len(shown)
    for subject in _unique(each.subject for each in backup.figures):
        cells = [_cell(part, case, subject, what) for _, part, case, what in shown]
        yield f"| {_shown(subject)} | {' | '.join(cells)} |"


def _cell(part: Part, case: str, subject: str, what: str) -> str:
    """A quantity, or the ratio to the limit."""
    if what == LIMIT:
        return _ratio(part, case, subject, LIMIT)
    return _plain(part.find(case, subject, what))


def _goals(parts: Sequence[Part]) -> Iterator[str]:
    for goal in GOALS:
        part = next((each for each in parts if each.name == goal.part), None)
        figure = part and part.find(goal.case, goal.subject, goal.quantity)
        if part and figure and (goal.quantity.startswith(BYTES) or not part.machine.busy):
            if not goal.beside:
                unit, measured = figure.unit, spread(figure)
            else:
                unit = f"{TIMES} {goal.beside}"
                measured = _ratio(part, goal.case, goal.subject, goal.beside, goal.quantity)
            yield f"| {goal.words} | {goal.most:g} {unit} | {measured} {unit} |"


def _section(part: Part) -> str:
    lines = [f"## {part.name}\n", f"{part.about}\n", _measured(part), ""]
    for case in _unique(each.case for each in part.figures):
        lines += [*_table(part, case), ""]
    lines += [f"- {each}" for each in (*part.notes, *remarks(part))]
    if part.commands:
        lines += ["", "<details><summary>The commands</summary>", ""]
        lines += [line for name, script in part.commands.items() for line in _code(name, script)]
        lines += ["</details>"]
    return "\n".join(lines) + "\n"


def _measured(part: Part) -> str:
    machine: Machine = part.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    runs = "one run" if part.runs == 1 else f"{part.runs} runs"
    load = f"load {machine.load_before:g} before, {machine.load_most:g} at most"
    line = f"{machine.date}, {runs}; {machine.cores} cores, {machine.memory}, {load}; {versions}."
    return f"{line}\n\n{BUSY.format(machine)}" if machine.busy else line


def _table(part: Part, case: str) -> Iterator[str]:
    figures = [each for each in part.figures if each.case == case]
    quantities = _unique((each.quantity, each.unit) for each in figures)
    ratios = [LIMIT, OURS] if part.find(case, LIMIT, "wall") else []
    head = [f"{quantity} ({unit})" if unit else quantity for quantity, unit in quantities]
    yield f"| {case} | {' | '.join([*head, *(f'{TIMES} {each}' for each in ratios)])} |"
    yield "| --- |" + " ---: |" * (len(head) + len(ratios))
    for subject in _unique(each.subject for each in figures):
        cells = [spread(part.find(case, subject, quantity)) for quantity, _ in quantities]
        cells += [_ratio(part, case, subject, each) for each in ratios]
        yield f"| {_shown(subject)} | {' | '.join(cells)} |"


def _ratio(part: Part, case: str, subject: str, beside: str, quantity: str = "wall") -> str:
    """The median of each turn's own; ours is that with the same kind of store."""
    if beside == OURS:
        beside = f"{OURS}, {'directory' if 'directory' in subject else 'S3'}"
    ratio = part.ratio(case, subject, quantity, beside)
    return "" if ratio is None else f"{ratio:.2f}"


def spread(figure: Figure | None) -> str:
    """Median (least to most)."""
    if figure is None:
        return ""
    if len(figure.values) == 1:
        return number(figure.median)
    return f"{number(figure.median)} ({number(min(figure.values))} to {number(max(figure.values))})"


def number(value: float) -> str:
    """As many places as mean something."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _plain(figure: Figure | None) -> str:
    return f"{number(figure.median)} {figure.unit}" if figure else ""


def _shown(subject: str) -> str:
    bold = f"**{subject}**" if subject.startswith(OURS) else subject
    return bold.replace("|", "\\|")


def _code(name: str, script: str) -> list[str]:
    return [name, "```bash", *script.splitlines(), "```", ""]


def _unique(items: Iterable[Item]) -> list[Item]:
    return list(dict.fromkeys(items))
