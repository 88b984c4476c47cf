"""botocore's descriptions of AWS's services without the manual in them, which nobody here reads.

They are more than a mebibyte of text, in thousands of pieces that stay in memory: 5 MB.
"""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader
from botocore.session import Session

_MANUAL = "documentation"
_FORMS: dict[str, Callable[[bytes], bytes]] = {".json": bytes, ".json.gz": gzip.decompress}


class ModelFiles(JSONFileLoader):
    """Reads such files as botocore does; what they say for people is empty."""

    def load_file(self, file_path: str) -> Any:
        """What the file says, None where there is none."""
        for suffix, unpacked in _FORMS.items():
            file = Path(file_path + suffix)
            if file.is_file():
                content = unpacked(file.read_bytes())
                return json.loads(content, object_pairs_hook=_without_manual)
        return None


def _without_manual(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The name stays, since botocore asks for it."""
    return {name: "" if name == _MANUAL else value for name, value in pairs}


def lean_session() -> Session:
    """A session whose clients are described without their manual."""
    session = Session()
    session.get_component("data_loader").file_loader = ModelFiles()
    return session
