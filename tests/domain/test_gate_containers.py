"""What is told of containers that end and are started again."""

from typing import Any

import pytest

from bot.domain.gate_containers import endings
from bot.domain.update_gate import ContainerSeen
from tests.fakes_update_gate import good_sample, seen_container, wanted_version

Look = tuple[int, int | None]
"""Docker's count of restarts, and the last exit code."""


def looks(service: str, *seen: Look, container: str = "1") -> list[ContainerSeen]:
    return [
        seen_container(service, id=container, restarts=restarts, exit_code=code)
        for restarts, code in seen
    ]


@pytest.mark.parametrize(
    ("containers", "told"),
    [
        pytest.param([looks("server", (0, None), (0, None))], [], id="none ended"),
        pytest.param([looks("server", (2, 1), (2, 1))], [], id="it had ended before"),
        pytest.param(
            [looks("server", (2, None), (3, None))], ['"server" has ended once'], id="no exit code"
        ),
        pytest.param(
            [looks("server", (0, None), (1, 3))],
            ['"server" has ended once, with exit code 3'],
            id="once",
        ),
        pytest.param(
            [looks("server", (0, None), (1, 3), (3, 0))],
            ['"server" has ended 3 times, with exit code 0'],
            id="the last exit code",
        ),
        pytest.param(
            [looks("server", (0, 1), (1, 4), (1, None))],
            ['"server" has ended once, with exit code 4'],
            id="the last that was seen",
        ),
        pytest.param(
            [
                looks("server", (0, None), (1, None), (1, None)),
                looks("worker", (0, None), (0, None), (2, 9), container="2"),
                looks("ldap", (0, None), (1, 5), (1, 5), container="3"),
                looks("other", (0, None), (1, 5), (1, 5), container="4"),
            ],
            [
                '"server" has ended once',
                '"worker" has ended 2 times, with exit code 9',
                '"ldap" has ended once, with exit code 5',
            ],
            id="each with its own",
        ),
    ],
)
def test_what_ended_meanwhile(containers: list[list[ContainerSeen]], told: list[str]) -> None:
    samples: list[Any] = [
        good_sample(at, containers=tuple(shown))
        for at, shown in enumerate(zip(*containers, strict=True))
    ]

    assert endings(samples, wanted_version(others=("ldap",))) == told
