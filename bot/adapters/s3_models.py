"""botocore's descriptions of AWS's services without what nobody here reads.

The manual in them is more than a mebibyte of text, in thousands of pieces that stay in memory:
5 MB. Where in the world each of some hundred services can be reached is another 4 MB.
"""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader
from botocore.session import Session

_MANUAL = "documentation"
_SERVICES = "services"
_REACHED = {"s3", "sts", "sso", "portal.sso", "oidc", "signin"}  # and where credentials come from
_FORMS: dict[str, Callable[[bytes], bytes]] = {".json": bytes, ".json.gz": gzip.decompress}


class ModelFiles(JSONFileLoader):
    """Reads such files as botocore does; what they say for people, or of other services, is empty.

    A file of endpoints that somebody laid into `~/.aws/models` is read likewise.
    """

    def load_file(self, file_path: str) -> Any:
        """What the file says, None where there is none."""
        for suffix, unpacked in _FORMS.items():
            file = Path(file_path + suffix)
            if file.is_file():
                content = unpacked(file.read_bytes())
                return json.loads(content, object_pairs_hook=_lean)
        return None


def _lean(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The manual's name stays, since botocore asks for it."""
    return {name: _smaller(name, value) for name, value in pairs}


def _smaller(name: str, value: Any) -> Any:
    if name == _MANUAL:
        return ""
    if name == _SERVICES and isinstance(value, dict):
        return {service: value[service] for service in value if service in _REACHED}
    return value


def lean_session() -> Session:
    """A session whose clients are described without their manual."""
    session = Session()
    session.get_component("data_loader").file_loader = ModelFiles()
    return session
