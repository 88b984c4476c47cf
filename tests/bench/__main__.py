"""Measure one part or all, and write what was found.

    tests/bench/run [NAME...] [--size 1GiB] [--small 64MiB] [--runs 2]

Parts: sink (the S3 server's own ceiling), backup, stages (where a backup's time goes), restore,
update, commands, chat, watch, idle and growth. What is found goes to results.json, RESULTS.md and
results.svg beside this file, and its short table into the README; parts that were not asked for
stay as they were. Two runs of all take about an hour on two cores, by the sum of the parts. The
machine should have nothing else to do: what others did on it is written beside the figures. The
sandbox's stack is thrown away and filled anew, several times.
`tests/bench/update`, `idle`, `watch` and `chat` say more of one thing: the parts of a downtime,
another environment, where a burst spends its time.
"""

import argparse
from collections.abc import Callable, Mapping

from tests.bench import (
    backup,
    burst,
    commands,
    growth,
    idle,
    restore,
    rollout,
    sinking,
    stages,
    watch,
)
from tests.bench.parts import Options
from tests.bench.report import short_of
from tests.bench.results import Part, load
from tests.bench.written import JSON, RESULTS, merged, write

PARTS: Mapping[str, Callable[[Options], Part]] = {
    each.NAME: each.measure
    for each in (sinking, backup, stages, restore, rollout, commands, burst, watch, idle, growth)
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="tests/bench/run",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="NAME")
    parser.add_argument("--size", default="1GiB", help="the larger database, such as 1GiB or 8GiB")
    parser.add_argument("--small", default="64MiB", help="the smaller one")
    parser.add_argument("--runs", type=int, default=2)
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(
            f"no part is called {', '.join(sorted(unknown))}: there are {', '.join(PARTS)}"
        )
    options = Options(tuple(dict.fromkeys((arguments.small, arguments.size))), arguments.runs)
    for name in arguments.parts or PARTS:
        found = PARTS[name](options)
        write(merged(load(JSON), found, tuple(PARTS)))
    print(short_of(RESULTS.read_text()))


if __name__ == "__main__":
    main()
