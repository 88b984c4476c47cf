"""Whether a socket can listen on IPv6 at all."""

import asyncio
from pathlib import Path

from bot.adapters.memory import is_this_machine

_ADDRESSES = Path("/proc/net/if_inet6")


async def knows_ipv6(total: int, addresses: Path = _ADDRESSES) -> bool | None:
    """Whether the kernel has it; one that has listens on [::] also where no address is of it.

    None where it is another machine that the Engine says has *total* bytes of memory.
    """
    here = await is_this_machine(total)
    return await asyncio.to_thread(addresses.exists) if here else None
