"""Write the version and the fault into the image while it is built (§2)."""

import shutil
import sys
from pathlib import Path

from . import faults, version

DATA = Path("/data")


def version_file(text: str) -> str:
    """Return the source of ``authentik/__init__.py`` for the version *text*."""
    number = version.parse(text)
    name = version.at(version.VERSION_NAME, number)
    lines = ['"""authentik root module"""', "", f'{name} = "{text}"']
    if version.at(version.NAMES_PREVIOUS_FAMILY, number):
        year, month = version.previous_family(number)
        lines.append(f'VERSION_FAMILY_PREVIOUS = "{year}.{month}"')
    return "\n".join(lines) + "\n"


def become_another_version() -> None:
    """Write the version of the first patch of this family over that of the image."""
    family = version.read_version().rpartition(".")[0]
    version.VERSION_FILE.write_text(version_file(f"{family}.1"))


def main() -> None:
    """Stamp the version given first and the fault given second."""
    text, fault = sys.argv[1:3]
    version.VERSION_FILE.parent.mkdir(parents=True, exist_ok=True)
    version.VERSION_FILE.write_text(version_file(text))
    faults.FAULT_FILE.write_text(faults.Fault(fault) + "\n")
    if faults.fault() is faults.Fault.OTHER_VERSION:
        shutil.chown(version.VERSION_FILE, "authentik")
    if version.at(version.HAS_DATA_FOLDER):
        make_data_folder()


def make_data_folder() -> None:
    """Make ``/data``, whose media is still the old folder while nothing is mounted (§3)."""
    DATA.mkdir()
    (DATA / "media").symlink_to("/media")
    shutil.chown(DATA, "authentik", "authentik")


if __name__ == "__main__":
    main()
