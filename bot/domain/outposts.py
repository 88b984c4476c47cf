"""Outposts of Authentik among the services of the same Compose project."""

import re

# facts §6: where the images of outposts lie, beside the server's
_OUTPOST = re.compile(r"(?:^|/)(?:goauthentik|authentik)/(?:proxy|ldap|radius|rac)(?:[:@]|$)")


def is_outpost(image: str) -> bool:
    """Whether a container of *image* is one: it must run the version of its server (facts §4)."""
    return bool(_OUTPOST.search(image))
