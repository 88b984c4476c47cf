"""The low-level client: how it is made, and what its errors mean.

Only `s3_session` imports this module, and only when S3 is first used: boto3 costs 0.2 s and 40 MB.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import boto3
from botocore import exceptions as aws
from botocore.config import Config
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from bot.adapters import s3_errors as causes
from bot.adapters.s3_errors import Cause, S3Error
from bot.adapters.s3_listing import read_listings_fast
from bot.adapters.s3_models import lean_session
from bot.adapters.s3_session import Patience, S3Credentials
from bot.domain.errors import ConfigError, ObjectNotFoundError
from bot.domain.store_url import SETTING, S3Location

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_DEFAULT_REGION = "us-east-1"  # what services without regions sign with
_NOT_FOUND = {"NoSuchKey", "404"}

_CAUSES: list[tuple[type[Exception], Cause]] = [  # the first that fits
    (aws.NoCredentialsError, causes.NO_CREDENTIALS),
    (aws.PartialCredentialsError, causes.NO_CREDENTIALS),
    (aws.CredentialRetrievalError, causes.NO_CREDENTIALS),
    (aws.ConnectTimeoutError, causes.UNREACHABLE),
    (aws.EndpointConnectionError, causes.UNREACHABLE),
    (aws.ProxyConnectionError, causes.UNREACHABLE),
    (aws.ReadTimeoutError, causes.NO_ANSWER),
    (aws.ResponseStreamingError, causes.BROKEN_CONNECTION),
    (aws.IncompleteReadError, causes.BROKEN_CONNECTION),
    (aws.HTTPClientError, causes.BROKEN_CONNECTION),
    (HTTPError, causes.BROKEN_CONNECTION),
    (OSError, causes.BROKEN_CONNECTION),
]


def connect(
    location: S3Location,
    credentials: S3Credentials | None,
    patience: Patience,
    *,
    connections: int,
) -> "S3Client":
    """Make a client that also services other than AWS understand.

    No checksum trailers (many services refuse them): each upload carries Content-MD5 instead,
    which buckets with object lock require. Retries are botocore's standard ones; the adaptive
    mode's rate limiter is made for many small requests, and here at most a few run at once.

    Raises:
        ConfigError: the profile or the CA file does not exist.
    """
    if location.ca_file is not None and not location.ca_file.is_file():
        raise ConfigError(
            f'{SETTING}: there is no file "{location.ca_file}"', hint="Correct ca= in it."
        )
    try:
        lean = lean_session()
        read_listings_fast(lean)
        session = boto3.Session(botocore_session=lean, profile_name=location.profile)
        return session.client(
            "s3",
            region_name=location.region or session.region_name or _DEFAULT_REGION,
            endpoint_url=location.endpoint,
            verify=str(location.ca_file) if location.ca_file else None,
            config=_config(location, patience, connections),
            **_key_pair(credentials),
        )
    except aws.ProfileNotFound as error:
        named = f'profile "{location.profile}"' if location.profile else "profile of that name"
        raise ConfigError(
            f"{SETTING}: there is no AWS {named}",
            hint="Correct profile= in it, or AWS_PROFILE.",
        ) from error
    except (aws.ConfigParseError, UnicodeDecodeError) as error:
        raise ConfigError(
            "AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE: it is not a configuration file of AWS",
            hint="Correct it (where none is named it is ~/.aws/config or ~/.aws/credentials).",
        ) from error
    except ValueError as error:  # botocore's own, without a class: a host name that it refuses
        raise ConfigError(
            f"{SETTING}: the endpoint's host is not a name that S3 clients take",
            hint="Use letters, digits, dots and hyphens in it, or its IP address.",
        ) from error


def _config(location: S3Location, patience: Patience, connections: int) -> Config:
    style: Literal["path", "virtual", "auto"] = "virtual" if location.endpoint else "auto"
    if location.path_style:
        style = "path"
    return Config(
        signature_version="s3v4",
        s3={"addressing_style": style},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        connect_timeout=patience.connect_seconds,
        read_timeout=patience.answer_seconds,
        retries={"mode": "standard", "total_max_attempts": patience.attempts},
        max_pool_connections=connections,
        tcp_keepalive=True,
        user_agent_extra="akbot",
    )


def _key_pair(credentials: S3Credentials | None) -> dict[str, Any]:
    if credentials is None:
        return {}
    pair = {
        "aws_access_key_id": credentials.access_key_id,
        "aws_secret_access_key": credentials.secret_access_key.get_secret_value(),
    }
    if credentials.session_token is not None:
        pair["aws_session_token"] = credentials.session_token.get_secret_value()
    return pair


@contextmanager
def s3_errors(doing: str) -> Iterator[None]:
    """Raise botocore's errors as PortError, so that none crosses the port."""
    try:
        yield
    except aws.ClientError as error:
        raise _service_error(doing, error) from error
    except aws.SSLError as error:
        untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error)
        raise _error(
            doing, causes.UNTRUSTED_CERTIFICATE if untrusted else causes.BROKEN_CONNECTION
        ) from error
    except (aws.BotoCoreError, HTTPError, OSError) as error:
        named = Cause(f"{type(error).__name__} in the S3 client")
        cause = next((cause for kind, cause in _CAUSES if isinstance(error, kind)), named)
        raise _error(doing, cause) from error
    except (ResponseParserError, KeyError) as error:  # or it lacks what each S3 service sends
        raise _error(doing, causes.NOT_S3) from error


def _service_error(doing: str, error: aws.ClientError) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in _NOT_FOUND:
        return ObjectNotFoundError(f"{doing}: not found")
    answer = error.response.get("ResponseMetadata", {})
    region = answer.get("HTTPHeaders", {}).get("x-amz-bucket-region", "")
    cause = causes.cause_of_code(code, answer.get("HTTPStatusCode", 0), region=region)
    return _error(doing, cause, code=code)


def _error(doing: str, cause: Cause, *, code: str = "") -> S3Error:
    return S3Error(f"{doing}: {cause.words}", hint=cause.hint, retryable=cause.retryable, code=code)
