"""Which fault this image was built with.

It stands in a file of the image and not in its environment, because a container that is created by
hand from another container's configuration takes the old image's environment along.
"""

from .version import ROOT

FAULT_FILE = ROOT / "lifecycle" / "fault"


def fault() -> str:
    """Return the fault's name, ``none`` for a good image."""
    return FAULT_FILE.read_text().strip() if FAULT_FILE.exists() else "none"
