"""The runbook's command blocks, taken out of its Markdown as they are printed.

A chapter is a heading of the second level, a section one of the third. What a block's info string
says after `bash` decides: `values` is what the reader edits, `not-run: REASON` what no test runs.
"""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

RUNBOOK = Path(__file__).parents[1] / "deploy" / "RUNBOOK.md"
VALUES = "Values"
"""The chapter whose values and helpers every other one begins with."""

INSIDE = {
    "PGHOST": "", "PGPORT": "5432", "PGUSER": "", "PGPASSWORD": "", "NETWORK": "bridge",
    "CLIENT": "",
}  # fmt: skip
"""The values of those whose PostgreSQL is a service of their stack."""

_PATIENCE = 300
_LINE = re.compile(r"(?P<fence>```)(?P<info>.*)|(?P<level>##|###) (?P<title>.*)")


@dataclass(frozen=True)
class Block:
    """One block; *section* is "" where it stands before the first heading of its chapter."""

    chapter: str
    section: str
    info: str
    code: str

    @property
    def holds_values(self) -> bool:
        return self.info == "values"

    @property
    def not_run(self) -> str:
        """Why no test runs it, "" for one that is run."""
        return self.info.partition("not-run: ")[2]


@cache
def blocks() -> Sequence[Block]:
    """All of them, in the order of the page."""
    found: list[Block] = []
    chapter = section = ""
    opened: tuple[str, list[str]] | None = None
    for line in RUNBOOK.read_text().splitlines():
        mark = _LINE.fullmatch(line)
        if opened is not None:
            if line == "```":
                info = opened[0].removeprefix("bash").strip()
                found.append(Block(chapter, section, info, "\n".join(opened[1])))
                opened = None
            else:
                opened[1].append(line)
        elif mark and mark["fence"]:
            assert mark["info"].startswith("bash"), f"{line!r}: every block is bash"
            opened = (mark["info"], [])
        elif mark and mark["level"] == "##":
            chapter, section = mark["title"], ""
        elif mark and mark["title"]:
            section = mark["title"]
    return tuple(found)


def chapters() -> Sequence[str]:
    """Those that have something to run, without the first."""
    return tuple(dict.fromkeys(each.chapter for each in blocks() if each.chapter != VALUES))


def assigned(code: str) -> set[str]:
    """The variables that a block of values sets."""
    return set(re.findall(r"^(?:export )?([A-Z_]+)=", code, re.MULTILINE))


@dataclass
class Reader:
    """Somebody who follows the page, with *values* of her own, in *folder*.

    Each block runs in a new shell, with the values and helpers before it: nothing but what the
    page says to keep is carried from one block to the next.
    """

    folder: Path
    environment: Mapping[str, str]
    values: Mapping[str, str]
    followed: set[Block] = field(default_factory=set)

    def follow(self, chapter: str, *sections: str) -> str:
        """Run the blocks of some sections, in the order asked for; what they said.

        A block that fails is an AssertionError with all that it said.
        """
        said = ""
        for section in sections:
            found = [
                each for each in blocks() if (each.chapter, each.section) == (chapter, section)
            ]
            wanted = [each for each in found if not each.not_run and not each.holds_values]
            assert wanted, f"there is nothing to run in {chapter!r}, {section!r}"
            for block in wanted:
                said += self._run(block)
        return said

    def fails(self, chapter: str, section: str) -> str:
        """Run a section that must fail; what it said."""
        try:
            self.follow(chapter, section)
        except AssertionError as error:
            return str(error)
        raise AssertionError(f"{chapter!r}, {section!r} did not fail")

    def with_values(self, **values: str) -> "Reader":
        return Reader(self.folder, self.environment, {**self.values, **values}, self.followed)

    def left(self, chapter: str) -> list[str]:
        """The sections of a chapter with a block that is to be run and was not."""
        return [
            each.section
            for each in blocks()
            if each.chapter == chapter
            and not (each.not_run or each.holds_values or each in self.followed)
        ]

    def _run(self, block: Block) -> str:
        code = "\n".join([*self._before(block.chapter), block.code])
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_PATIENCE,
            cwd=self.folder,
            env=dict(self.environment),
        )
        where = f"{block.chapter!r}, {block.section!r}"
        assert done.returncode == 0, f"{where}: exit {done.returncode}\n{done.stdout}"
        self.followed.add(block)
        return done.stdout

    def _before(self, chapter: str) -> Sequence[str]:
        """The values, each block of them replaced by the reader's own, and the helpers."""
        code: list[str] = []
        for block in blocks():
            if block.chapter == VALUES and not block.holds_values:
                code.append(block.code)
            elif block.holds_values and block.chapter in {VALUES, chapter}:
                code += [_assign(name, self.values[name]) for name in sorted(assigned(block.code))]
        return code


def _assign(name: str, value: str) -> str:
    export = "export " if name.startswith(("AWS_", "PG")) else ""
    quoted = value.replace("'", "'\\''")
    return f"{export}{name}='{quoted}'"
