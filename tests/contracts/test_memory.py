"""How much memory more containers could have, and whether they could listen on IPv6."""

import asyncio
import socket
from pathlib import Path

from bot.adapters.ipv6 import knows_ipv6
from bot.adapters.memory import free_memory

MEMINFO = """MemTotal:        8000000 kB
MemFree:          100000 kB
MemAvailable:    3000000 kB
HugePages_Total:       0
"""
TOTAL = 8_000_000 * 1024


async def test_what_is_available_on_the_engines_own_host(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text(MEMINFO)

    assert await free_memory(TOTAL, meminfo) == 3_000_000 * 1024
    assert await free_memory(TOTAL + 1024, meminfo) is None, "that is another machine"
    assert await free_memory(TOTAL, tmp_path / "none") is None


def total_here() -> int:
    return int(Path("/proc/meminfo").read_text().split()[1]) * 1024


async def test_a_kernel_without_ipv6_has_no_table_of_its_addresses(tmp_path: Path) -> None:
    total, table = await asyncio.to_thread(total_here), tmp_path / "if_inet6"

    assert await knows_ipv6(total, table) is False
    table.touch()  # as where no address was given to any interface
    assert await knows_ipv6(total, table) is True
    assert await knows_ipv6(total + 1024, table) is None, "that is another machine"


def listens() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as tried:
            tried.bind(("::", 0))
    except OSError:
        return False
    return True


async def test_a_kernel_that_knows_ipv6_listens_on_it() -> None:
    total = await asyncio.to_thread(total_here)

    assert await knows_ipv6(total) is listens()


async def test_this_machine_has_some() -> None:
    total = await asyncio.to_thread(total_here)

    assert 0 < (await free_memory(total) or 0) < total
