"""What mutmut keeps of its mutants, as this repository speaks of them."""

import ast
import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path

import libcst as cst
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import read_functions_from_index
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files
from mutmut.utils.format_utils import orig_function_and_class_names_from_key

UNTESTED = 33  # the exit code that stands for it
REFUSED_BY_TYPES = 37


class Verdict(enum.Enum):
    REFUSED = "the type checker refuses it, so no test has to"
    KILLED = "a test failed or ran into its limit of time"
    SURVIVED = "no test failed, or none runs through it"
    UNTRIED = "not tried yet"


VERDICTS = {
    "killed": Verdict.KILLED,
    "timeout": Verdict.KILLED,
    "segfault": Verdict.KILLED,
    "caught by type check": Verdict.REFUSED,
    "not checked": Verdict.UNTRIED,
    "check was interrupted by user": Verdict.UNTRIED,
}


def verdict_on(code: int | None) -> Verdict:
    return VERDICTS.get(status_by_exit_code[code], Verdict.SURVIVED)


@dataclass(frozen=True)
class Change:
    """What one mutant does; told apart by words, so that it stays the same when lines move."""

    path: str
    function: str
    words: str


@dataclass(frozen=True)
class Survivor:
    change: Change
    line: int


def wanted_modules(names: Sequence[str]) -> list[Path]:
    """All of them, or those named, as a path or with dots.

    Raises:
        SystemExit: there is no such module.
    """
    modules = {str(path): path for path in sorted(walk_mutatable_files())}
    wanted = [name if name.endswith(".py") else name.replace(".", "/") + ".py" for name in names]
    if unknown := [name for name in wanted if name not in modules]:
        raise SystemExit(f"mutation: no module to mutate: {', '.join(unknown)}")
    return [modules[name] for name in wanted] or list(modules.values())


def read_module(path: Path) -> SourceFileMutationData:
    module = SourceFileMutationData(path=path)
    module.meta_path = module.meta_path.absolute()  # results are noted from the tests' own folder
    module.load()
    return module


def survivors_of(module: SourceFileMutationData) -> dict[str, Survivor]:
    """By mutmut's name of the mutant."""
    survived = (
        name
        for name, code in module.exit_code_by_key.items()
        if verdict_on(code) is Verdict.SURVIVED
    )
    return {name: _survivor(Path(module.path), name) for name in survived}


def _survivor(path: Path, mutant: str) -> Survivor:
    functions = read_functions_from_index(mutant, path)
    if functions is None:
        raise SystemExit(
            f"mutation: {mutant} is not in the mutants of {path}; remove tests/mutation/.work"
        )
    original, mutated = (cst.Module([function]).code.strip().splitlines() for function in functions)
    name, class_name = orig_function_and_class_names_from_key(mutant)
    function = f"{class_name}.{name}" if class_name else name
    first, was, now = _difference(original, mutated)
    start = next(
        number for number, line in enumerate(original) if line.startswith(("def ", "async def "))
    )
    change = Change(path=str(path), function=function, words=f"{was} → {now}")
    return Survivor(change=change, line=_lines_of_functions(path)[function] + first - start)


def _difference(original: Sequence[str], mutated: Sequence[str]) -> tuple[int, str, str]:
    """The first line that differs, and what stands there in both."""
    pairs = list(zip_longest(original, mutated))
    first = next(number for number, (one, other) in enumerate(pairs) if one != other)
    same_at_end = 0
    for one, other in zip(reversed(original[first:]), reversed(mutated[first:]), strict=False):
        if one != other:
            break
        same_at_end += 1
    was, now = (lines[first : len(lines) - same_at_end] for lines in (original, mutated))
    return first, _in_one_line(was), _in_one_line(now)


def _in_one_line(lines: Iterable[str]) -> str:
    return " ".join(line.strip() for line in lines) or "(nothing)"


@cache
def _lines_of_functions(path: Path) -> dict[str, int]:
    lines: dict[str, int] = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines[node.name] = node.lineno
        elif isinstance(node, ast.ClassDef):
            methods = (
                child
                for child in node.body
                if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            )
            lines |= {f"{node.name}.{method.name}": method.lineno for method in methods}
    return lines
