"""Why the migrations of a rehearsal failed, as their log tells it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.domain.gate_signs import OF_THE_HOST, SignKind, SignReader
from bot.domain.log_masking import mask_line

_APPLYING = re.compile(r"\s*Applying (\S+?)\.\.\.\s*(OK)?")
_DONE = re.compile(r"\s*(?:\[[^\]]*\])?\s*OK")
_ACCESS = re.compile(r'^\{.*"method": ?"[A-Z]+".*"status": ?\d+')
_SHOWN = 12
_OF_EACH = 4
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
        of_the_host=any(OF_THE_HOST.search(line) for line in lines)
        or any(each.of_the_host for each in signs[-1:]),
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


@dataclass(frozen=True)
class LastWords:
    """The end of a service's log, not masked; *ended*: it does not run any more."""

    lines: Sequence[str]
    ended: bool = False


def with_last_words(reason: str, logs: Mapping[str, LastWords]) -> tuple[str, tuple[str, ...]]:
    """*reason*, with the last line of a service that has ended, and the last lines of all.

    A program may end with a word that is no sign by itself.
    """
    shown = {service: proof_of(each.lines)[-_OF_EACH:] for service, each in logs.items()}
    ended = [lines[-1] for service, lines in shown.items() if logs[service].ended and lines]
    proof = [f"{service}: {line}" for service, lines in shown.items() for line in lines]
    return f"{reason}; it said last: {ended[0]}" if ended else reason, tuple(proof)


def _shown(line: str) -> str:
    """A line as people may see it; nothing of one that only tells that a page was asked for."""
    return "" if _ACCESS.search(line) else mask_line(line.strip())[:_LONGEST]
