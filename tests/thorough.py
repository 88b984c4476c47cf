"""Long tables of tests: a few rows are run each time, all by `tests/run thorough`."""

from collections.abc import Container, Iterable
from typing import Any

import pytest

THOROUGH = pytest.mark.thorough


def a_few(rows: Iterable[Any], *, of: Container[Any]) -> list[Any]:
    """Mark all *rows* but those whose first value is in *of* for the thorough run alone."""
    return [row if _first(row) in of else _only_thorough(row) for row in rows]


def _first(row: Any) -> Any:
    return row[0] if isinstance(row, tuple) else row


def _only_thorough(row: Any) -> Any:
    values = row if isinstance(row, tuple) else (row,)
    return pytest.param(*values, marks=THOROUGH)
