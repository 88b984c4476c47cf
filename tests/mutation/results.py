"""What became of the mutants, as RESULTS.md on stdout.

Exit code 1: fewer than nine of ten were killed, one lives without a reason, or a reason is needed
no more.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mutmut.mutation.data import SourceFileMutationData

from tests.mutation.mutants import (
    Change,
    Survivor,
    Verdict,
    read_module,
    survivors_of,
    verdict_on,
    wanted_modules,
)
from tests.mutation.survivors import read_reasons

WANTED = 0.9
HEAD = """# Mutants of what decides

Made by `tests/mutation/run`, which says how. A mutant is the code with one small change: another
operator, another constant, an argument less. Those that the type checker refuses need no test and
do not count; for each of the others a test should fail. Not mutated are tables at the level of a
module, and sentences for people.
"""


@dataclass(frozen=True)
class Outcome:
    path: str
    verdicts: Counter[Verdict]
    survivors: Sequence[Survivor]

    @property
    def tried(self) -> int:
        return self.verdicts[Verdict.KILLED] + self.verdicts[Verdict.SURVIVED]

    @property
    def killed(self) -> float:
        return self.verdicts[Verdict.KILLED] / self.tried if self.tried else 1


def outcome_of(module: SourceFileMutationData) -> Outcome:
    survivors = sorted(survivors_of(module).values(), key=lambda survivor: survivor.line)
    return Outcome(
        path=str(module.path),
        verdicts=Counter(map(verdict_on, module.exit_code_by_key.values())),
        survivors=survivors,
    )


def together(outcomes: Sequence[Outcome]) -> Outcome:
    verdicts = sum((outcome.verdicts for outcome in outcomes), Counter[Verdict]())
    survivors = [survivor for outcome in outcomes for survivor in outcome.survivors]
    return Outcome(path="all", verdicts=verdicts, survivors=survivors)


def written(outcomes: Sequence[Outcome], reasons: Mapping[Change, str]) -> Iterator[str]:
    yield HEAD
    yield "| module | mutants | refused | tried | killed | survived | share killed | not tried |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for outcome in (*outcomes, together(outcomes)):
        if outcome.verdicts.total():
            yield row(outcome)
    yield "\n## Survivors"
    for outcome in outcomes:
        if outcome.survivors:
            yield f"\n### {outcome.path}\n"
        for survivor in outcome.survivors:
            change = survivor.change
            yield f"- {outcome.path}:{survivor.line} `{change.function}`: {quoted(change.words)}"
            yield f"  {reasons.get(change, '**no reason written**')}"


def row(outcome: Outcome) -> str:
    of = outcome.verdicts
    cells = [
        outcome.path,
        of.total(),
        of[Verdict.REFUSED],
        outcome.tried,
        of[Verdict.KILLED],
        of[Verdict.SURVIVED],
        f"{outcome.killed:.1%}" if outcome.tried else "",
        of[Verdict.UNTRIED],
    ]
    return f"| {' | '.join(map(str, cells))} |"


def quoted(words: str) -> str:
    fence = "``" if "`" in words else "`"
    return f"{fence}{words}{fence}"


def faults(outcomes: Sequence[Outcome], reasons: Mapping[Change, str]) -> Iterator[str]:
    total = together(outcomes)
    if total.killed < WANTED:
        yield f"{total.killed:.1%} of {total.tried} mutants were killed, fewer than {WANTED:.0%}"
    if untried := total.verdicts[Verdict.UNTRIED]:
        yield f"{untried} mutants were not tried"
    lives = {survivor.change for survivor in total.survivors}
    if unexplained := lives - reasons.keys():
        yield f"{len(unexplained)} changes survive without a reason"
    paths = {outcome.path for outcome in outcomes}
    for change in sorted(reasons.keys() - lives, key=str):
        if change.path in paths and not untried:
            where = f"{change.path} {change.function}"
            yield f"survivors.toml has a reason that nothing needs: {where}: {change.words}"


def main(*names: str) -> int:
    outcomes = [outcome_of(read_module(path)) for path in wanted_modules(names)]
    reasons = read_reasons()
    print("\n".join(written(outcomes, reasons)))
    found = list(faults(outcomes, reasons))
    for fault in found:
        print(f"mutation: {fault}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
