"""Outposts of Authentik among the services of the same Compose project."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

# facts §6: where the images of outposts lie, beside the server's
_OUTPOST = re.compile(r"(?:^|/)(?:goauthentik|authentik)/(?:proxy|ldap|radius|rac)(?:[:@]|$)")


@dataclass(frozen=True)
class ProjectOutpost:
    """One that runs; *image* is what Compose would make it of once the tag is another one."""

    service: str
    image: str

    def is_of(self, version: str) -> bool:
        """Whether that image is of *version*, by its name."""
        return self.image.partition("@")[0].endswith(f":{version}")


def is_outpost(image: str) -> bool:
    """Whether a container of *image* is one: it must run the version of its server (facts §4)."""
    return bool(_OUTPOST.search(image))


def left_behind(outposts: Iterable[ProjectOutpost], version: str) -> tuple[ProjectOutpost, ...]:
    """Those that do not follow the server to *version*: their tag is none of an update's."""
    return tuple(each for each in outposts if not each.is_of(version))
