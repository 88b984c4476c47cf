"""Backup: into an empty store, after rows were added, and after one in a hundred changed."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

from tests.bench import stack
from tests.bench.contenders import CONTENDERS, DATABASE, PHYSICAL, Contender
from tests.bench.machine import Conditions
from tests.bench.parts import Found, Options, part_of
from tests.bench.pipeline import Used
from tests.bench.results import ADDED, CHANGED, FIRST, Part

MIB = 1024**2
CASES = {FIRST: "", ADDED: stack.ADD, CHANGED: stack.CHANGE}
NAME = "backup"
ABOUT = (
    "The limit is `pg_dump -Fc -Z0` to /dev/null inside the database's container: it neither"
    " compresses, encrypts nor stores. Ours backs up everything else as well (Redis, files, roles,"
    " configuration), reads each object back and signs. CPU is that of all: the programs here, the"
    " database's container (for ours Redis' too) and the Engine; not that of the S3 server. Memory"
    " is the most that all programs here had resident at one time; what works inside a container"
    " (pg_dump, and all of pgBackRest) is not in it."
)


def measure(options: Options) -> Part:
    """Let all take turns at each size."""
    conditions, found = Conditions(), Found(commands=_commands())
    environment = stack.up()
    stack.peers()
    for size in options.sizes:
        stack.fill(size)
        for number in range(1, options.runs + 1):
            stack.say(f"backup of {size}: turn {number} of {options.runs}")
            with stack.turn(environment) as turn:
                _turn(turn, size, found)
            conditions.look()
    stack.remove(environment, PHYSICAL)
    part = part_of(NAME, ABOUT, conditions.seen(environment), found, options)
    return replace(part, notes=tuple(_growth(part, options)))


def _growth(part: Part, options: Options) -> Iterator[str]:
    """How the memory of ours at the largest size stands to that at the smallest."""
    for each in (each for each in CONTENDERS if each.is_ours):
        small, large = (
            part.find(f"{size}, {FIRST}", each.name, "memory")
            for size in (options.sizes[0], options.largest)
        )
        if small and large and small != large:
            share = large.median / small.median
            yield (
                f"Memory of {each.name} at {options.largest} is {share:.2f} of that at"
                f" {options.sizes[0]}."
            )


def _turn(turn: stack.Turn, size: str, found: Found) -> None:
    for each in CONTENDERS:
        turn.run(each.prepare)
    turn.run(CONTENDERS[0].backup)  # so that nobody is the first to read
    stored: dict[str, int] = defaultdict(int)
    for case, statement in CASES.items():
        for container in (DATABASE, PHYSICAL) if statement else ():
            stack.sql(turn.environment, statement.format(turn.keep.name), container=container)
        for each in CONTENDERS:
            script = each.again or each.backup if statement else each.backup
            _note(found, f"{size}, {case}", each, turn.run(script, *each.containers))
            if not each.is_limit:
                lies = turn.stored(each.bucket, each.folder)
                more = (lies - stored[each.name]) / MIB
                found.add(f"{size}, {case}", each.name, "stored", "MiB", more)
                stored[each.name] = lies


def _note(found: Found, case: str, contender: Contender, used: Used) -> None:
    found.add(case, contender.name, "wall", "s", used.wall)
    found.add(case, contender.name, "CPU", "s", used.cpu)
    found.add(case, contender.name, "memory", "MiB", used.peak)


def _commands() -> Mapping[str, str]:
    return {each.name: f"{each.prepare}\n# then\n{each.backup}" for each in CONTENDERS}
