"""What Authentik's version file says, from release to release."""

import pytest

from bot.domain.version_file import VersionFile, read_version_file
from bot.domain.versions import Family


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'"""authentik"""\n\n__version__ = "2025.6.4"\n', VersionFile("2025.6.4")),
        (b'from x import y\nVERSION = "2025.8.6"\n', VersionFile("2025.8.6")),
        (
            b'VERSION = "2026.8.3"\nVERSION_FAMILY_PREVIOUS = "2026.5"\n',
            VersionFile("2026.8.3", Family(2026, 5)),
        ),
        (b'VERSION_FAMILY_PREVIOUS = "2026.5"\n', VersionFile(None, Family(2026, 5))),
        (b'VERSION_FAMILY_PREVIOUS = "latest"\n', VersionFile()),
        (b'VERSION_FAMILY_PREVIOUS = "\xff"\n', VersionFile()),
        (b'OLD_VERSION = "2025.8.6"\n# VERSION = "1"\n', VersionFile()),
        (b'VERSION = "\xff"\n', VersionFile("\ufffd")),
        (b"", VersionFile()),
    ],
)
def test_what_it_says(content: bytes, said: VersionFile) -> None:
    assert read_version_file(content) == said
