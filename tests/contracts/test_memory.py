"""How much memory more containers could have."""

import asyncio
from pathlib import Path

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


async def test_this_machine_has_some() -> None:
    total = await asyncio.to_thread(total_here)

    assert 0 < (await free_memory(total) or 0) < total
