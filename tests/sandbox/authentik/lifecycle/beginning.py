"""What a server, a worker or an outpost does before all else."""

import sys

from .faults import Fault, fault
from .settings import Settings
from .stamp import become_another_version


def begin(mode: str, settings: Settings) -> None:
    """Be the version that the image pretends to be, and note *mode* for the health check."""
    if fault() is Fault.EXITS:
        sys.exit("ImportError: cannot import name 'lifecycle' from 'authentik'")
    if fault() is Fault.OTHER_VERSION:
        become_another_version()
    settings.mode_file.write_text(mode)
