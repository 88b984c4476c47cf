"""The setting of what akbot does by itself about a container that is unhealthy."""

from pydantic import Field
from pydantic_settings import BaseSettings

from bot.setting_form import FORM


class CureSettings(BaseSettings):
    """How often it may be restarted."""

    cure: int = Field(
        0,
        alias="AKBOT_CURE",
        json_schema_extra={FORM: "a whole number from 0 to 20"},
        ge=0,
        le=20,
        description="How many times within an hour `akbot run` restarts a container whose health"
        " check fails, where no other is the cause; then it says that this does not help. 0 for"
        " never.",
    )
