"""Remove what an update or a rollback has kept, once nobody needs the way back any more."""

import logging
from collections.abc import Collection
from dataclasses import dataclass

from bot.domain.errors import PortError
from bot.domain.update import UpdatePlan
from bot.services.compose_ports import ComposeFiles
from bot.services.restore_ports import Workplace
from bot.services.update_roll import Roll

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class UpdateKept:
    """Removes databases, snapshots of Redis, compose files and images."""

    workplace: Workplace
    project: ComposeFiles

    async def drop(self, plan: UpdatePlan, images: Collection[str]) -> None:
        """Remove all that the hops of *plan* have kept, and the *images* of these ids.

        What is gone is no error, nor an image that a container uses. Raises PortError as the stack
        does.
        """
        for number in range(1, len(plan.hops) + 1):
            tools = await self.workplace.tools(plan.site, plan.key(number))
            roll = Roll(plan, number, tools, self.workplace, self.project)
            await roll.forget()
        control = (await self.workplace.tools(plan.site, plan.job)).control
        for image_id in images:
            try:
                await control.drop_image(image_id)
            except PortError as error:  # it costs room, and nothing else
                logger.warning("remove an image: %s", error)
