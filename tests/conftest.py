import signal
from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

# A shell starts what it puts into the background with SIGINT ignored, and children inherit that:
# those that the tests interrupt would not notice.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-goldens",
        action="store_true",
        help="write the conversations of tests/telegram_chat/goldens as they are now",
    )


@pytest.fixture(autouse=True)
def _no_blocking_calls_in_the_loop() -> Iterator[BlockBuster]:
    with blockbuster_ctx("bot") as blockbuster:
        yield blockbuster
