"""Compile all modules below a folder for the image: `python3 compile.py FOLDER`.

Without their docstrings, which are 4 MiB in the memory of a bot that idles; asserts stay, which
`python -OO` would take too. Without the time of the source, so that each build gives the same
files; the image is read-only, so that nobody asks whether one is out of date. Where a module lies
Python itself sees when it imports it.
"""

import ast
import importlib.util
import marshal
import sys
from pathlib import Path

_UNCHECKED_HASH = (0b01).to_bytes(4, "little")
_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def without_docstrings(source: bytes) -> ast.Module:
    """The module of *source*; every other statement stays, in its line."""
    module = ast.parse(source)
    for node in ast.walk(module):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            first = node.body.pop(0)
            if not node.body:
                node.body = [ast.copy_location(ast.Pass(), first)]
    return module


def compiled(source: bytes, name: str) -> bytes:
    """A .pyc file that is taken as it is."""
    code = compile(without_docstrings(source), name, "exec", dont_inherit=True)
    start = importlib.util.MAGIC_NUMBER + _UNCHECKED_HASH
    return start + importlib.util.source_hash(source) + marshal.dumps(code)


def main(folder: Path) -> None:
    """Raises SyntaxError where a module is none."""
    for path in sorted(folder.rglob("*.py")):
        target = Path(importlib.util.cache_from_source(str(path)))
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(compiled(path.read_bytes(), str(path.relative_to(folder))))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
