import signal
from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import settings

# A shell starts what it puts into the background with SIGINT ignored, and children inherit that:
# those that the tests interrupt would not notice.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long one example takes says only how busy the machine is.
settings.register_profile("unhurried", settings.default, deadline=None)
settings.load_profile("unhurried")


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
