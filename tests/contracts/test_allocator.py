"""What was freed goes back to the system, also from between what is in use."""

import subprocess
import sys

PROGRAM = """
import ctypes
from bot.adapters.allocator import give_back

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

c = ctypes.CDLL(None)
c.malloc.restype, c.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
c.free.argtypes = [ctypes.c_void_p]
blocks = [c.malloc(64 * 1024) for _ in range(1000)]
for each in blocks:
    ctypes.memset(each, 1, 64 * 1024)
last = c.malloc(1024)  # so that the end of the heap is in use, as a rule
full = resident()
for each in blocks:
    c.free(each)
give_back()
print(full - resident())
"""
MIB = 1024 * 1024


def test_what_was_freed_below_a_block_in_use_is_given_back() -> None:
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    ).stdout

    assert int(said) > 50 * MIB
