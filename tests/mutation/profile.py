"""pytest's plugin for mutants: a property gets the same few examples for each of them."""

import pytest
from hypothesis import settings

EXAMPLES = 25

settings.register_profile(
    "mutants", database=None, deadline=None, derandomize=True, max_examples=EXAMPLES
)
settings.load_profile("mutants")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that ask for more get no more either."""
    for item in items:
        test = getattr(item, "obj", None)
        asked = getattr(test, "_hypothesis_internal_use_settings", None)
        if test and asked and asked.max_examples > EXAMPLES:
            test._hypothesis_internal_use_settings = settings(asked, max_examples=EXAMPLES)
