"""Restore: from the store into an empty database, loaded and analysed; ours onto the live stack."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from tests.bench import stack
from tests.bench.contenders import CONTENDERS, DATABASE, LIMIT_OF_ALL, PHYSICAL, Contender
from tests.bench.machine import Conditions
from tests.bench.measuring import Downtime
from tests.bench.parts import Found, Options, part_of
from tests.bench.pipeline import Used
from tests.bench.remarks import CHECKING, COMPARING, LOADING, TWO_JOBS
from tests.bench.results import Part

NAME = "restore"
ABOUT = (
    "The limit is `pg_restore` of a local file in the database's container, then ANALYZE; all"
    " peers load with one job and analyse, from their store. Ours is from the first byte that it"
    " reads until the database is loaded, compared with the manifest and analysed; its memory is"
    " that of the whole command, which swaps the databases, starts the stack by `docker compose`"
    " and watches it through its gate (held for 2 s here). Downtime is of the login page, asked"
    " every 20 ms: only ours puts what it loaded into service. pgBackRest brings back the files of"
    " a whole cluster, so nothing is loaded."
)
EMPTY = f"""docker exec {DATABASE} dropdb -U authentik --if-exists --force bench
docker exec {DATABASE} createdb -U authentik bench"""
BY_TWO_JOBS = replace(
    LIMIT_OF_ALL,
    name=TWO_JOBS,
    restore=LIMIT_OF_ALL.restore.replace("--no-owner", "--no-owner -j 2"),
)
RESTORING = (BY_TWO_JOBS, *(each for each in CONTENDERS if each.restore))
# The steps of ours that are the loading, and what a column calls them; what else is told belongs to
# a step before it.
STEPS = {
    "checking postgres": CHECKING,
    "restoring postgres": LOADING,
    "comparing every table": COMPARING,
}
WITHIN_A_STEP = re.compile(r"^Backup |: verified$| stored in ")
ASIDE = "SELECT datname FROM pg_database WHERE datname LIKE 'authentik\\_%'"


def measure(options: Options) -> Part:
    """Let all restore what each of them stored, and compare the rows."""
    conditions = Conditions()
    found = Found(commands={each.name: each.restore for each in RESTORING})
    environment = stack.up() | {"AKBOT_GATE_STABLE": "2"}
    stack.peers()
    for size in options.sizes:
        stack.fill(size)
        with stack.turn(environment) as turn:
            for each in RESTORING[1:]:
                turn.run(each.prepare)
                turn.run(each.backup)
            wanted = stack.rows(environment)
            for number in range(1, options.runs + 1):
                stack.say(f"restore of {size}: turn {number} of {options.runs}")
                for each in RESTORING:
                    _once(turn, size, each, found)
                    _compare(turn, each, wanted)
                    conditions.look()
            found.note(
                f"{size}: after each restore, of each contender, the rows of all tables"
                " were the same."
            )
    stack.remove(environment, PHYSICAL)
    return part_of(NAME, ABOUT, conditions.seen(environment), found, options)


def _once(turn: stack.Turn, size: str, contender: Contender, found: Found) -> None:
    turn.run(EMPTY)
    downtime = Downtime(every=0.02)
    with downtime.watched():
        used = turn.run(contender.restore, *(() if contender.is_physical else contender.containers))
    parts = loading(used) if contender.is_ours else {}
    found.add(size, contender.name, "wall", "s", sum(parts.values()) if parts else used.wall)
    if contender.is_physical:  # its containers are others before and after
        return
    found.add(size, contender.name, "memory", "MiB", used.peak)
    if not contender.is_ours:
        found.add(size, contender.name, "CPU", "s", used.cpu)
    else:  # it starts Redis anew, whose count of CPU begins again
        found.add(size, contender.name, "memory of its own process", "MiB", used.largest)
        found.add(size, contender.name, "whole command", "s", used.wall)
        found.add(size, contender.name, "downtime", "s", downtime.seconds)
        for name, seconds in parts.items():
            found.add(size, contender.name, name, "s", seconds)


def _compare(turn: stack.Turn, contender: Contender, wanted: Mapping[str, str]) -> None:
    """End the benchmark where a row is not what it was."""
    if contender.is_ours:
        there = stack.rows(turn.environment)
        for name in stack.sql(turn.environment, ASIDE, database="postgres").split():
            stack.sql(turn.environment, f'DROP DATABASE "{name}" WITH (FORCE)', database="postgres")
    elif contender.is_physical:
        there = stack.rows(turn.environment, container=PHYSICAL)
    else:
        there = stack.rows(turn.environment, database="bench")
    if wrong := stack.differing(wanted, there):
        raise SystemExit(
            f"{contender.name} restored other rows than were stored: {', '.join(wrong)}"
        )


def loading(used: Used) -> dict[str, float]:
    """The seconds of each step that loads: it lasts until the next is told."""
    told = steps(used.lines, used.wall)
    parts = {
        name: sum(seconds for step, seconds in told.items() if step.startswith(begun))
        for begun, name in STEPS.items()
    }
    if not all(parts.values()):
        raise SystemExit(f"a restore tells other steps than these are: {', '.join(told)}")
    return parts


def steps(lines: Iterable[tuple[float, str]], end: float) -> dict[str, float]:
    """How long each step lasted, by the line that told it."""
    told = [(at, line) for at, line in lines if not WITHIN_A_STEP.search(line)]
    ends = [*(at for at, _ in told[1:]), end]
    seconds: dict[str, float] = defaultdict(float)
    for (at, line), until in zip(told, ends, strict=True):
        seconds[line] += until - at
    return seconds
