"""Which containers are watched, and by what names, over all replicas of a service. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from bot.domain.discovery import Found
from bot.domain.replicas import replica, service_of


@dataclass(frozen=True)
class Watched:
    """The *containers* by their names, None for a service without one.

    A service that has *several* keeps the names of replicas until it has no container at all: one
    that was removed leaves the others their names, and is no longer watched, as nobody knows how
    many there should be.
    """

    containers: Mapping[str, Found | None] = field(default_factory=dict)
    several: frozenset[str] = frozenset()

    @property
    def ids(self) -> Mapping[str, str]:
        """Those that are there."""
        return {name: each.id for name, each in self.containers.items() if each}

    @property
    def services(self) -> frozenset[str]:
        """Those that have a container."""
        return frozenset(each.service for each in self.containers.values() if each)

    def without_gone(self, services: Collection[str]) -> frozenset[str]:
        """The names of those that are there, and of *services* that are missed."""
        return frozenset(name for name, each in self.containers.items() if each or name in services)

    def name_of(self, service: str, number: str) -> str:
        """Of one that may have come since: another number beside those that are there."""
        numbers = {
            each.number for each in self.containers.values() if each and each.service == service
        }
        is_another = bool(number and numbers) and number not in numbers
        return replica(service, number) if service in self.several or is_another else service


def watched_containers(
    members: Iterable[Found], services: Collection[str], before: Watched
) -> Watched:
    """What of *members* of the project is of one of *services*, after what was watched *before*.

    While one takes another's place there are two with its number; the one before counts, which is
    listed last.
    """
    here = [each for each in members if each.service in services]
    numbers: dict[str, set[str]] = {}
    for each in here:
        numbers.setdefault(each.service, set()).add(each.number)
    several = frozenset(
        service for service, found in numbers.items() if len(found) > 1 or service in before.several
    )
    named = {
        replica(each.service, each.number) if each.service in several else each.service: each
        for each in here
    }
    return Watched({**dict.fromkeys(set(services) - numbers.keys()), **named}, several)


def recalled_several(names: Iterable[str], services: Collection[str]) -> Watched:
    """What is known of *services* where it is known that containers with *names* were watched."""
    found = {service_of(each, services) for each in names if each not in services}
    return Watched(several=frozenset(found & set(services)))
