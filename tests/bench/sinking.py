"""The S3 server's own ceiling, so that no client is blamed for it."""

from pathlib import Path

from tests.bench import stack
from tests.bench.machine import Conditions
from tests.bench.parts import Found, Options, part_of
from tests.bench.results import Part

NAME = "sink"
ABOUT = (
    "What the S3 server of the other parts (`tests/bench/sink.py`) takes and gives by curl, one"
    " connection, beside a copy of the same file on the same disk."
)
MIB = 1024
WAYS = {
    "cp": 'cp "$KEEP/zeros" "$KEEP/copy"',
    "curl, PUT": 'curl -fsS -T "$KEEP/zeros" "$SINK/bench/object"',
    "curl, GET": 'curl -fsS "$SINK/bench/object" -o /dev/null',
}


def measure(options: Options) -> Part:
    """Let them take turns with a gibibyte."""
    conditions, found = Conditions(), Found(commands=WAYS)
    environment = stack.up()
    stack.peers()
    with stack.turn(environment) as turn:
        zeros: Path = turn.keep / "zeros"
        turn.run(f'head -c {MIB}M /dev/zero >"{zeros}"')
        for _ in range(options.runs):
            for name, script in WAYS.items():
                found.add("1 GiB", name, "speed", "MiB/s", MIB / turn.run(script).wall)
        conditions.look()
    return part_of(NAME, ABOUT, conditions.seen(environment), found, options)
