"""The settings of a PostgreSQL that is no container of the stack."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from bot.domain.outside_database import MAINTENANCE, DatabaseSettings
from bot.setting_form import FORM


class OutsideSettings(BaseSettings):
    """Where it is and who Authentik is there; what is absent is as Authentik's server has it."""

    database_host: str = Field(
        "",
        alias="AKBOT_DATABASE_HOST",
        description="The host of a PostgreSQL outside of the project, such as behind a pooler that"
        " Authentik uses. Default: as Authentik's server is told, where the project has none.",
    )
    database_port: str = Field(
        "",
        alias="AKBOT_DATABASE_PORT",
        json_schema_extra={FORM: "a number"},
        pattern="^[0-9]{0,5}$",
        description="Its port. Default: as Authentik's server is told.",
    )
    database_user: str = Field(
        "",
        alias="AKBOT_DATABASE_USER",
        description="The role there. Default: as Authentik's server is told.",
    )
    database_password: SecretStr = Field(
        SecretStr(""),
        alias="AKBOT_DATABASE_PASSWORD",
        description="Its password. Default: as Authentik's server is told.",
    )
    database_name: str = Field(
        "",
        alias="AKBOT_DATABASE_NAME",
        description="Authentik's database there. Default: as Authentik's server is told.",
    )
    database_image: str = Field(
        "",
        alias="AKBOT_DATABASE_IMAGE",
        description="The image whose `pg_dump` and `psql` reach it, of its major version. Default:"
        " `postgres:MAJOR`, pulled where it is not here.",
    )
    maintenance_database: str = Field(
        MAINTENANCE,
        alias="AKBOT_MAINTENANCE_DATABASE",
        description="The database from which others are made and renamed: any but Authentik's.",
    )

    @property
    def database_settings(self) -> DatabaseSettings:
        """All of them."""
        return DatabaseSettings(
            host=self.database_host,
            port=self.database_port,
            user=self.database_user,
            name=self.database_name,
            password=self.database_password.get_secret_value(),
            image=self.database_image,
            maintenance=self.maintenance_database or MAINTENANCE,
        )
