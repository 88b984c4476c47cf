"""The host's memory."""

import asyncio
import re
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_LINE = re.compile(r"^(\w+):\s+(\d+) kB$", re.MULTILINE)
_KILO = 1024


async def free_memory(total: int, meminfo: Path = _MEMINFO) -> int | None:
    """Bytes that more containers could have without pushing others out.

    None where it is another machine that the Engine says has *total* bytes, or nobody can tell.
    """
    sizes = await _sizes(meminfo)
    return sizes.get("MemAvailable") if sizes.get("MemTotal") == total else None


async def is_this_machine(total: int) -> bool:
    """Whether akbot is on the machine that the Engine says has *total* bytes."""
    return (await _sizes(_MEMINFO)).get("MemTotal") == total


async def _sizes(meminfo: Path) -> dict[str, int]:
    """In bytes; nothing where nobody can tell."""
    try:
        text = await asyncio.to_thread(meminfo.read_text)
    except OSError:
        return {}
    return {name: int(kilo) * _KILO for name, kilo in _LINE.findall(text)}
