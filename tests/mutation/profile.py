"""pytest's plugin for mutants: a property gets the same few examples, a test no other's cache."""

import sys
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import settings

EXAMPLES = 25

settings.register_profile(
    "mutants", database=None, deadline=None, derandomize=True, max_examples=EXAMPLES
)


def pytest_configure() -> None:
    """After conftest.py, which loads a profile of its own."""
    settings.load_profile("mutants")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that ask for more get no more either."""
    for item in items:
        test = getattr(item, "obj", None)
        asked = getattr(test, "_hypothesis_internal_use_settings", None)
        if test and asked and asked.max_examples > EXAMPLES:
            test._hypothesis_internal_use_settings = settings(asked, max_examples=EXAMPLES)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What an import or an earlier test has cached would hide a mutant from the next."""
    caches = [
        value
        for name, module in sys.modules.items()
        if name.startswith(("bot.domain.", "bot.age."))
        for value in vars(module).values()
        if hasattr(value, "cache_clear")
    ]
    session.config.pluginmanager.register(_Forgetful(caches))


class _Forgetful:
    def __init__(self, caches: Sequence[Any]) -> None:
        self._caches = caches

    def pytest_runtest_setup(self) -> None:
        for cache in self._caches:
            cache.cache_clear()
