"""The settings of the Engine, of Docker's client, and of the gate for what they start."""

from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from bot.domain.engine_address import check_engine_address
from bot.services.gate import GatePatience
from bot.setting_form import FORM


class DockerSettings(BaseSettings):
    """Where the Engine is, and what Docker's client is told."""

    docker_host: str = Field(
        "unix:///var/run/docker.sock",
        alias="DOCKER_HOST",
        description="The Docker Engine's address: `unix:///path` or `tcp://host:port`.",
    )
    docker_config: str = Field(
        "",
        alias="DOCKER_CONFIG",
        description="The folder of the Docker client's configuration and plugins.",
    )
    home: Path = Field(Path("/"), alias="HOME", description="Whose state folder it is.")
    path: str = Field("/usr/bin:/bin", alias="PATH", description="Where programs are.")
    place: str = Field("", description="The folder of akbot.env.")

    @field_validator("docker_host")
    @classmethod
    def _is_engine(cls, value: str) -> str:
        check_engine_address(value)
        return value

    @property
    def docker_folder(self) -> Path:
        """Where Docker's client keeps its configuration."""
        return Path(self.docker_config) if self.docker_config else self.home / ".docker"

    def client_environment(self) -> dict[str, str]:
        """All that Docker's client is told; any other variable would go before the stack's .env."""
        given = {
            "PATH": self.path,
            "HOME": str(self.home),
            "DOCKER_HOST": self.docker_host,
            "DOCKER_CONFIG": self.docker_config,
        }
        return {name: value for name, value in given.items() if value}


class GateSettings(BaseSettings):
    """What a version must hold before it counts as served."""

    gate_stable: float = Field(
        60,
        alias="AKBOT_GATE_STABLE",
        json_schema_extra={FORM: "a number of seconds, 0 or more"},
        ge=0,
        allow_inf_nan=False,
        description="For how many seconds the restored or updated stack must hold before it counts"
        " as well.",
    )
    gate_timeout: float = Field(
        900,
        alias="AKBOT_GATE_TIMEOUT",
        json_schema_extra={FORM: "a number of seconds above 0"},
        gt=0,
        allow_inf_nan=False,
        description="After how many seconds a stack that is not well is swapped or rolled back; a"
        " migration that moves gets longer.",
    )

    @property
    def gate(self) -> GatePatience:
        """For how long all must hold, and how long that may take."""
        return GatePatience(self.gate_stable, self.gate_timeout)
