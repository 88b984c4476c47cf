"""What the error codes of S3 services mean to a person.

The words of a service are never repeated: some quote the request, and with it what was signed.
"""

import re
from typing import NamedTuple

from bot.domain.errors import PortError
from bot.domain.store_url import SETTING

_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class S3Error(PortError):
    """A PortError that tells the adapter which *code* the service gave, if any."""

    def __init__(
        self, message: str, *, hint: str = "", retryable: bool = False, code: str = ""
    ) -> None:
        super().__init__(message, hint=hint, retryable=retryable)
        self.code = code


class Cause(NamedTuple):
    """Why a request failed, what to do, and whether again may help."""

    words: str
    hint: str = ""
    retryable: bool = False


NO_CREDENTIALS = Cause(
    "no credentials found",
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile in " + SETTING + ".",
)
UNTRUSTED_CERTIFICATE = Cause(
    "the server's TLS certificate is not trusted",
    f"Name the authority's certificate with ca=/FILE.pem in {SETTING}.",
)
UNREACHABLE = Cause(
    "cannot be reached",
    f"Check the endpoint in {SETTING}, the network and the firewall.",
    retryable=True,
)
NO_ANSWER = Cause("no answer in time", "Check the network, then try again.", retryable=True)
BROKEN_CONNECTION = Cause(
    "the connection broke", "Check the network, then try again.", retryable=True
)
NOT_S3 = Cause("the answer is not that of an S3 service", f"Check the endpoint in {SETTING}.")

_NO_BUCKET = Cause("no such bucket", f"Create the bucket, or correct its name in {SETTING}.")
_DENIED = Cause(
    "access denied",
    "Allow this key to list, read, write and delete in the bucket; locked objects wait for their"
    " lock's end.",
)
_WRONG_SECRET = Cause("the secret access key is wrong", "Correct AWS_SECRET_ACCESS_KEY.")
_WRONG_KEY = Cause("the access key id is unknown", "Correct AWS_ACCESS_KEY_ID.")
_EXPIRED = Cause("the credentials have expired", "Renew the session token or the role.")
_CLOCK = Cause("this host's clock is wrong", "Set the clock of this host by NTP.")
_REGION = Cause("the bucket is in another region", f"Set region=… in {SETTING}.")
_BUSY = Cause("the service asks to slow down", "Try again later.", retryable=True)
_FAILING = Cause(
    "the service fails",
    f"Try again later; if it stays so, check the endpoint in {SETTING}.",
    retryable=True,
)
_MISSING = Cause("not offered by this service")
_FULL = Cause("no space left in the store", "Raise the quota, or keep fewer backups.")
_DAMAGED = Cause("bytes were damaged on their way", "Try again; check the network.", retryable=True)
_ARCHIVED = Cause("the object lies in an archive tier", "Have the service restore it first.")
_CONFLICT = Cause("another writer interferes", "Try again later.", retryable=True)

_CAUSES = {
    "NoSuchBucket": _NO_BUCKET,
    "AccessDenied": _DENIED,
    "AllAccessDisabled": _DENIED,
    "401": _DENIED,
    "403": _DENIED,
    "SignatureDoesNotMatch": _WRONG_SECRET,
    "InvalidAccessKeyId": _WRONG_KEY,
    "ExpiredToken": _EXPIRED,
    "InvalidToken": _EXPIRED,
    "RequestTimeTooSkewed": _CLOCK,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "PermanentRedirect": _REGION,
    "TemporaryRedirect": _REGION,
    "301": _REGION,
    "307": _REGION,
    "SlowDown": _BUSY,
    "RequestLimitExceeded": _BUSY,
    "TooManyRequests": _BUSY,
    "429": _BUSY,
    "503": _BUSY,
    "RequestTimeout": NO_ANSWER,
    "NotImplemented": _MISSING,
    "MethodNotAllowed": _MISSING,
    "405": _MISSING,
    "501": _MISSING,
    "QuotaExceeded": _FULL,
    "XMinioStorageFull": _FULL,
    "507": _FULL,
    "BadDigest": _DAMAGED,
    "InvalidObjectState": _ARCHIVED,
    "ConditionalRequestConflict": _CONFLICT,
    "OperationAborted": _CONFLICT,
}


def cause_of_code(code: str, status: int, *, region: str = "") -> Cause:
    """What the service meant by *code*, or if that is unknown by the HTTP *status*."""
    cause = _CAUSES.get(code) or _CAUSES.get(str(status))
    if cause is _REGION and _CODE.fullmatch(region):
        return Cause(f'the bucket is in region "{region}"', f"Set region={region} in {SETTING}.")
    if cause is None and status >= 500:  # noqa: PLR2004 - server errors
        cause = _FAILING
    if cause is None:
        shown = code if _CODE.fullmatch(code) else "an unknown error"
        cause = Cause(f"{shown} (HTTP {status})")
    return cause
