"""Where the time of a backup goes: the dump's way a stage further each time, and other ways."""

from tests.bench import stack
from tests.bench.contenders import DATABASE, LIMIT_OF_ALL, PG_DUMP, STACK
from tests.bench.machine import Conditions
from tests.bench.parts import Found, Options, part_of
from tests.bench.pipeline import Used
from tests.bench.results import LIMIT, OURS, Part

MIB = 1024**2
NAME = "stages"
STAGES, OTHER_WAYS = "a stage further each time", "other ways to compress"
ABOUT = (
    "Where the time of a backup goes: each stage does all that those above it do. The limit is that"
    " of the backup. *cores* is CPU by wall: where it is near to the number of the machine's there"
    " is nothing left to overlap, and only less work would be faster. pg_dump compresses in the"
    " one thread in which it also writes, so that its other ways to do so stand below, with what"
    " would be stored. Two dumps, of half of the tables each, on one snapshot are no way here: as"
    " in most installations, nearly all bytes are those of one table, the events."
)
WAYS = {
    STAGES: {
        LIMIT: LIMIT_OF_ALL.backup,
        "compressed by pg_dump, -Z zstd:1": LIMIT_OF_ALL.backup.replace("-Z0", "-Z zstd:1"),
        "out of the container": f"{PG_DUMP} -Z zstd:1 | wc -c",
        "sealed and hashed": f"{PG_DUMP} -Z zstd:1 | python -m tests.bench.sealed",
        f"{OURS}: stored, read back, its rows counted, signed": (
            'AKBOT_STATE="$KEEP/stages" AKBOT_STORE="s3://akbot/stages?endpoint=$SINK'
            '&region=us-east-1" akbot backup --json --component postgres >/dev/null'
        ),
    },
    OTHER_WAYS: {
        "-Z zstd:1": f"{PG_DUMP} -Z zstd:1 | wc -c",
        "-Z zstd:-5": f"{PG_DUMP} -Z zstd:-5 | wc -c",
        "-Z zstd:3": f"{PG_DUMP} -Z zstd:3 | wc -c",
        "-Z lz4": f"{PG_DUMP} -Z lz4 | wc -c",
        "-Z0, then zstd -1 beside it": f"{PG_DUMP} -Z0 | zstd -1 -q | wc -c",
        "-Z0, then zstd -1 -T2": f"{PG_DUMP} -Z0 | zstd -1 -q -T2 | wc -c",
    },
}


def measure(options: Options) -> Part:
    """Let all take turns at the largest size."""
    commands = {name: script for each in WAYS.values() for name, script in each.items()}
    conditions, found = Conditions(), Found(commands=commands)
    environment = stack.up()
    stack.peers()
    stack.fill(options.largest)
    for number in range(1, options.runs + 1):
        stack.say(f"stages of {options.largest}: turn {number} of {options.runs}")
        with stack.turn(environment) as turn:
            turn.run(LIMIT_OF_ALL.backup)  # so that nobody is the first to read
            for case, ways in WAYS.items():
                for name, script in ways.items():
                    containers = STACK if name.startswith(OURS) else (DATABASE,)
                    used = turn.run(script, *containers)
                    _note(found, f"{options.largest}, {case}", name, used)
        conditions.look()
    return part_of(NAME, ABOUT, conditions.seen(environment), found, options)


def _note(found: Found, case: str, name: str, used: Used) -> None:
    found.add(case, name, "wall", "s", used.wall)
    found.add(case, name, "CPU", "s", used.cpu)
    found.add(case, name, "cores", "", used.cpu / used.wall)
    if used.output:
        found.add(case, name, "stored", "MiB", int(used.output) / MIB)
