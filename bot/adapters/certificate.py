"""When a server's certificate expires, whoever has signed it."""

import asyncio
import ssl
from datetime import datetime

from bot.domain.errors import PortError


async def expiry_of(host: str, port: int, within: float) -> datetime:
    """Raises PortError where nobody speaks TLS there in so many seconds."""
    doing = f"speak TLS with {host}:{port}"
    try:
        async with asyncio.timeout(within):
            _, writer = await asyncio.open_connection(
                host, port, ssl=_any_signer(), server_hostname=host
            )
    except TimeoutError as error:
        raise PortError(f"{doing}: it does not answer in time", retryable=True) from error
    except OSError as error:  # a TLS error is one
        words = error.strerror or type(error).__name__
        raise PortError(f"{doing}: {words}", retryable=True) from error
    try:
        shown: bytes | None = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.transport.abort()
    return _end_of(shown, doing)


def _any_signer() -> ssl.SSLContext:
    """Nothing is sent, and nothing believed but when it ends."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _end_of(shown: bytes | None, doing: str) -> datetime:
    from cryptography import x509  # noqa: PLC0415 - imported when used

    if not shown:
        raise PortError(f"{doing}: it shows none")
    try:
        return x509.load_der_x509_certificate(shown).not_valid_after_utc
    except ValueError as error:
        raise PortError(f"{doing}: it is not understood") from error
