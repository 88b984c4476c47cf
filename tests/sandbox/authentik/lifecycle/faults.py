"""Which fault this image was built with.

It stands in a file of the image and not in its environment, because a container that is created by
hand from another container's configuration takes the old image's environment along.
"""

from enum import StrEnum

from .version import ROOT

FAULT_FILE = ROOT / "lifecycle" / "fault"


class Fault(StrEnum):
    """What goes wrong. A number of a migration is its place among those of the newest schema."""

    NONE = "none"
    EXITS = "exits"
    NEVER_READY = "never-ready"
    FIRST_MIGRATION = "first-migration"
    SECOND_MIGRATION = "second-migration"
    DIES = "dies"
    WORKER_HANGS = "worker-hangs"
    FLOW_FAILS = "flow-fails"
    OTHER_VERSION = "other-version"
    DROPS_ROWS = "drops-rows"


FAILING_MIGRATION = {Fault.FIRST_MIGRATION: 0, Fault.SECOND_MIGRATION: 1}


def fault() -> Fault:
    """Return the image's fault, `Fault.NONE` for a good one."""
    return Fault(FAULT_FILE.read_text().strip()) if FAULT_FILE.exists() else Fault.NONE
