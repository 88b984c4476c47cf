"""Who asks a registry: the name and password that `docker login` left, if it left any."""

import base64
import binascii
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.domain.errors import ConfigError
from bot.domain.image_name import DOCKER_HUB

_FILE = "config.json"
_MOST = 1 << 20
_HUB_KEY = "https://index.docker.io/v1/"


@dataclass(frozen=True)
class Login:
    """A name and its password."""

    name: str
    password: SecretStr

    @property
    def header(self) -> str:
        """The value of an `Authorization` header: a secret."""
        pair = f"{self.name}:{self.password.get_secret_value()}"
        return "Basic " + base64.b64encode(pair.encode()).decode()


@dataclass(frozen=True)
class DockerLogins:
    """The Docker client's own configuration in *folder*; helpers that it names are not run."""

    folder: Path

    def login(self, host: str) -> Login | None:
        """The login for *host*, None where there is none in the file (blocks).

        Raises ConfigError where the file cannot be read; what is in it is never repeated.
        """
        auths = self._config().get("auths")
        if not isinstance(auths, dict):
            return None
        names = (_HUB_KEY,) if host == DOCKER_HUB else (host, f"https://{host}", f"http://{host}")
        entries = [auths[name] for name in names if isinstance(auths.get(name), dict)]
        return _login_in(entries[0]) if entries else None

    def _config(self) -> dict[str, Any]:
        path = self.folder / _FILE
        try:
            with path.open("rb") as file:
                found = json.loads(file.read(_MOST))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ConfigError(
                f'DOCKER_CONFIG: read "{path}": {error.strerror}',
                hint="Give it to the user that the bot runs as.",
            ) from error
        except (ValueError, RecursionError):
            raise ConfigError(
                f'DOCKER_CONFIG: "{path}" is not JSON', hint='Let "docker login" write it anew.'
            ) from None
        return found if isinstance(found, dict) else {}


def _login_in(entry: dict[str, Any]) -> Login | None:
    try:
        pair = base64.b64decode(str(entry.get("auth", "")), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    name, colon, password = pair.partition(":")
    return Login(name, SecretStr(password.rstrip("\0"))) if colon and name else None
