"""Django's ``pbkdf2_sha256`` password hashes, with few iterations: a test logs in often."""

import base64
import hashlib
import hmac
import secrets

ITERATIONS = 1000


def hash_password(password: str) -> str:
    """Return *password* as Django stores it."""
    return _encode(password, secrets.token_hex(11), ITERATIONS)


def is_password(password: str, stored: str) -> bool:
    """Say whether *stored* is a hash of *password*; an unusable password (``!…``) never is."""
    parts = stored.split("$")
    if len(parts) != 4 or parts[0] != "pbkdf2_sha256":
        return False
    return hmac.compare_digest(_encode(password, parts[2], int(parts[1])), stored)


def _encode(password: str, salt: str, iterations: int) -> str:
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), iterations)
    return f"pbkdf2_sha256${iterations}${salt}${base64.b64encode(digest).decode()}"
