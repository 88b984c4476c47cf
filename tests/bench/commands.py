"""Commands that only look: how long a person waits for them, and what they take of memory."""

from tests.bench import stack
from tests.bench.machine import Conditions
from tests.bench.parts import Found, Options, part_of
from tests.bench.results import Part

NAME = "commands"
ABOUT = (
    "What Python alone needs to begin and end stands beside them. The store is on the S3 server,"
    " with one backup in it."
)
AKBOT = 'AKBOT_STATE="$KEEP/state" AKBOT_STORE="s3://akbot/backups?endpoint=$SINK&region=us-east-1"'
COMMANDS = (
    "python -c pass",
    "akbot --help",
    "akbot status",
    "akbot backups",
    "akbot jobs",
    "akbot check",
)
EACH_RUN = 3


def measure(options: Options) -> Part:
    """Let them take turns at the smallest size."""
    conditions, found, size = Conditions(), Found(), options.sizes[0]
    environment = stack.up()
    stack.fill(size)
    with stack.turn(environment) as turn:
        turn.run(f"{AKBOT} akbot backup")
        for _ in range(options.runs * EACH_RUN):
            for command in COMMANDS:
                used = turn.run(
                    f"export {AKBOT}\n{command} || test $? = 1 # a finding is no failure"
                )
                found.add(size, command, "wall", "s", used.wall)
                found.add(size, command, "CPU", "s", used.here)
                found.add(size, command, "memory", "MiB", used.peak)
            conditions.look()
    return part_of(NAME, ABOUT, conditions.seen(environment), found, options)
