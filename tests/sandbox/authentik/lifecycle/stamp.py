"""Write the version and the fault into the image while it is built (§2)."""

import sys

from . import faults, version


def version_file(text: str) -> str:
    """Return the source of ``authentik/__init__.py`` for the version *text*."""
    number = version.parse(text)
    name = version.at(version.VERSION_NAME, number)
    lines = ['"""authentik root module"""', "", f'{name} = "{text}"']
    if version.at(version.NAMES_PREVIOUS_FAMILY, number):
        year, month = version.previous_family(number)
        lines.append(f'VERSION_FAMILY_PREVIOUS = "{year}.{month}"')
    return "\n".join(lines) + "\n"


def main() -> None:
    """Stamp the version given first and the fault given second."""
    text, fault = sys.argv[1:3]
    version.VERSION_FILE.parent.mkdir(parents=True, exist_ok=True)
    version.VERSION_FILE.write_text(version_file(text))
    faults.FAULT_FILE.write_text(fault + "\n")


if __name__ == "__main__":
    main()
