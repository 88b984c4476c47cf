"""Where the Docker Engine is, as DOCKER_HOST has it."""

from urllib.parse import urlsplit

from bot.domain.errors import ConfigError

SETTING = "DOCKER_HOST"
_OVER_NETWORK = {"tcp", "http", "https"}
_FORMS = "Give unix:///var/run/docker.sock or tcp://HOST:PORT."
_TUNNEL = (
    "Run akbot on that host; or bring its socket here with ssh -nNT -L"
    " /tmp/docker.sock:/var/run/docker.sock HOST, and give unix:///tmp/docker.sock."
)


def check_engine_address(text: str) -> None:
    """Look at the form of an address alone.

    Raises:
        ConfigError: nothing could be reached by it; what stands before an @ is not repeated.
    """
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port
    except ValueError:
        raise _wrong(text) from None
    if url.scheme == "ssh":
        raise ConfigError(f"{SETTING}: akbot does not speak ssh://", hint=_TUNNEL)
    if url.scheme in _OVER_NETWORK:
        usable = bool(host and port) and url.path in {"", "/"}
    else:
        usable = text.startswith(("unix:///", "http+unix:///")) and len(url.path) > 1
    if not usable or not text.isprintable() or "@" in url.netloc or url.query or url.fragment:
        raise _wrong(text)


def _wrong(text: str) -> ConfigError:
    shown = text.rpartition("@")[2][:60]
    return ConfigError(f'{SETTING}: "{shown}" is not the address of a Docker Engine', hint=_FORMS)
