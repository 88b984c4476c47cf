"""How deploy/compile.py compiles the modules of the bot's image."""

import subprocess
import sys
from pathlib import Path

COMPILE = Path(__file__).parents[1] / "deploy/compile.py"
MODULE = '''"""Words about it."""

from __future__ import annotations


class Documented:
    """Only words."""


def asserts(value: int) -> str:
    """More words."""
    assert value, "it has none"
    return "a string at the end is no docstring"


def fails() -> None:
    """Last words."""
    raise ValueError
'''
PROGRAM = """
import traceback
import module
print([each.__doc__ for each in (module, module.Documented, module.asserts, module.fails)])
print(module.asserts(1))
for call in (lambda: module.asserts(0), module.fails):
    try:
        call()
    except Exception:
        traceback.print_exc()
"""


def compiled(folder: Path) -> None:
    subprocess.run([sys.executable, COMPILE, folder], check=True)


def test_words_go_and_everything_else_stays(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(MODULE)
    compiled(tmp_path)

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, cwd=tmp_path
    )

    assert done.stdout == "[None, None, None, None]\na string at the end is no docstring\n"
    assert "AssertionError: it has none" in done.stderr
    assert f'File "{tmp_path}/module.py", line 18, in fails' in done.stderr


def test_the_same_source_gives_the_same_file_whenever_it_was_written(tmp_path: Path) -> None:
    written = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "module.py").write_text(MODULE)
        compiled(folder)
        [file] = (folder / "__pycache__").iterdir()
        written.append((file.name, file.read_bytes()))

    assert written[0] == written[1]
