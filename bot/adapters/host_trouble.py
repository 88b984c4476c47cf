"""When a program that loads a dump failed for what is here, and not for the dump."""

import re

KILLED = 137
"""Exit code of a program that the kernel ended for want of memory."""
NO_ROOM = "No space left"
OF_THE_SERVER = re.compile(
    "No space left|could not (extend|write|open) file|terminating connection|server closed"
    "|out of (shared )?memory|shutting down|starting up|no response|too many clients"
    r'|connection to server (on socket|at "(localhost|127\.0\.0\.1|::1)").* failed: (?!FATAL)'
)
"""What PostgreSQL and its clients say where the server could not take it.

A `\\connect` in a stranger's dump fails as well: with FATAL, or on its way to another host.
"""
