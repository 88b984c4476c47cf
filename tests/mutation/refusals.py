"""Which mutants the type checker refuses."""

import ast
import json
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from mutmut.utils.format_utils import get_mutant_name, is_mutated_method_name

MYPY = ("mypy", "--config-file=tests/mutation/mypy.ini", "--output=json", "bot/domain", "bot/age")
PLACE = Path("mutants")
ORIGINAL = "__mutmut_orig"


def refused_by_types() -> set[str]:
    """Their names. It takes a minute and spares the tests more than half of all mutants.

    Raises:
        SystemExit: it could not judge, or refuses code as it was, for what surrounds it here.
    """
    checked = subprocess.run(MYPY, cwd=PLACE, capture_output=True, text=True, check=False)
    if checked.returncode > 1:
        raise SystemExit(f"mutation: mypy failed: {checked.stderr or checked.stdout}")
    wrong = defaultdict(set)
    for line in checked.stdout.splitlines():
        error = json.loads(line)
        if error["severity"] == "error":
            wrong[Path(error["file"])].add(error["line"])
    return {name for path, lines in wrong.items() for name in _functions_with(lines, path)}


def _functions_with(lines: set[int], path: Path) -> Iterator[str]:
    mutants = [
        node
        for node in ast.walk(ast.parse((PLACE / path).read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and is_mutated_method_name(node.name)
    ]
    inside = {line: node.name for node in mutants for line in range(node.lineno, _end(node) + 1)}
    if sound := [line for line in lines if inside.get(line, ORIGINAL).endswith(ORIGINAL)]:
        raise SystemExit(f"mutation: mypy.ini refuses more than mutants: {path}, lines {sound}")
    yield from (get_mutant_name(path, inside[line]) for line in lines)


def _end(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return node.end_lineno or node.lineno
