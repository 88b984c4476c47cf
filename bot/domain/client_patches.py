"""Which `pg_restore` may be shown a hostile archive: by the releases that closed known holes."""

import re

# CVE-2026-116314: a crafted archive runs code in pg_restore.
_FIXED_IN = {14: 25, 15: 20, 16: 16, 17: 12, 18: 7}
_OLDEST = min(_FIXED_IN)


def judge_client(version: str) -> str:
    """What a person should know about a `pg_restore` of that *version*, "" for nothing."""
    found = re.match(r"(\d+)\.(\d+)", version)
    if not found:
        return ""
    major, minor = int(found[1]), int(found[2])
    fixed = _FIXED_IN.get(major)
    if fixed is None:
        outdated, wanted = major < _OLDEST, f"{_OLDEST}.{_FIXED_IN[_OLDEST]}"
    else:
        outdated, wanted = minor < fixed, f"{major}.{fixed}"
    if not outdated:
        return ""
    return (
        f"pg_restore {major}.{minor} lets a crafted dump run code (CVE-2026-116314):"
        f" restore only what you trust, and update the PostgreSQL image to {wanted}"
    )
