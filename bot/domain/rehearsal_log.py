"""Why the migrations of a rehearsal failed, as their log tells it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.domain.gate_signs import SignKind, SignReader
from bot.domain.log_masking import mask_line

_APPLYING = re.compile(r"\s*Applying (\S+?)\.\.\.\s*(OK)?")
_DONE = re.compile(r"\s*(?:\[[^\]]*\])?\s*OK")
_OF_THE_HOST = re.compile(
    r"No space left on device|Cannot allocate memory|MemoryError|exec format error", re.IGNORECASE
)
_SHOWN = 12
_LONGEST = 300


@dataclass(frozen=True)
class MigrationFailure:
    """*reason* completes "its migrations …"; *proof* are the lines that show it, masked.

    *of_the_host*: what was missing is none of the version's doing.
    """

    reason: str
    proof: tuple[str, ...]
    of_the_host: bool


def read_failure(lines: Sequence[str], exit_code: int) -> MigrationFailure:
    """What the log of migrations that ended with *exit_code* says."""
    signs = [each for each in SignReader("migration").feed(lines) if each.kind in _CAUSES]
    shown = [each for each in (_shown(line) for line in lines) if each]
    applying = unfinished(lines)
    where = f" at {applying}" if applying else ""
    last = shown[-1] if shown else f"exit code {exit_code}"
    cause = signs[-1].text if signs else last
    return MigrationFailure(
        reason=f"fail{where}: {cause}",
        proof=tuple(shown[-_SHOWN:]),
        of_the_host=any(_OF_THE_HOST.search(line) for line in lines)
        or any(each.passing for each in signs[-1:]),
    )


_CAUSES = frozenset(SignKind) - {SignKind.RESTARTING}


def unfinished(lines: Sequence[str]) -> str:
    """The migration that was begun last and has not said OK; "" where there is none."""
    name = ""
    for line in lines:
        begun = _APPLYING.fullmatch(line)
        if begun:
            name = "" if begun[2] else begun[1]
        elif _DONE.fullmatch(line):
            name = ""
    return name


def proof_of(lines: Sequence[str]) -> tuple[str, ...]:
    """The last lines of a log, as people may see them."""
    return tuple([each for each in (_shown(line) for line in lines) if each][-_SHOWN:])


def with_last_words(reason: str, logs: Mapping[str, Sequence[str]]) -> tuple[str, tuple[str, ...]]:
    """*reason*, with the last line of the service that it names, and the last lines of all.

    For a program that ends with a word which is no sign by itself.
    """
    last = {service: lines[-1] for service, each in logs.items() if (lines := proof_of(each))}
    named = [words for service, words in last.items() if f'"{service}"' in reason]
    proof = [f"{service}: {line}" for service, each in logs.items() for line in proof_of(each)[-3:]]
    return f"{reason}; it said last: {named[0]}" if named else reason, tuple(proof)


def _shown(line: str) -> str:
    return mask_line(line.strip())[:_LONGEST]
