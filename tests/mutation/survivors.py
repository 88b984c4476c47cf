"""The reviewed reasons why a mutant may live: survivors.toml."""

import tomllib
from pathlib import Path

from tests.mutation.mutants import Change

FILE = Path(__file__).with_suffix(".toml")


def read_reasons() -> dict[Change, str]:
    modules = tomllib.loads(FILE.read_text())
    return {
        Change(path=path, function=function, words=words): reason
        for path, functions in modules.items()
        for function, changes in functions.items()
        for words, reason in changes.items()
    }
