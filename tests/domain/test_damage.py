"""What the list of backups says of damage that was found."""

from datetime import UTC, datetime

import pytest

from bot.domain.damage import Damage, Depth


@pytest.mark.parametrize(
    ("depth", "by"),
    [
        (Depth.STORED, "verify"),
        (Depth.OPENED, "verify"),
        (Depth.DEEP, "verify --deep"),
        (Depth.DRILLED, "a drill"),
    ],
)
def test_who_found_it_and_when(depth: Depth, by: str) -> None:
    found = Damage("postgres: it is cut short", depth, datetime(2026, 11, 24, 23, tzinfo=UTC))

    assert found.words == f"postgres: it is cut short (found by {by} on 2026-11-24)"
