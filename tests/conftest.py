from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx


@pytest.fixture(autouse=True)
def _no_blocking_calls_in_the_loop() -> Iterator[BlockBuster]:
    with blockbuster_ctx("bot") as blockbuster:
        yield blockbuster
