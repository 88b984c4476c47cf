"""The figures of what stands around the stack's containers, as they were looked at last. Pure."""

from collections.abc import Iterable, Sequence

from bot.domain.figures import Family, labelled, single
from bot.domain.surroundings import Connections, DiskRoom, Surroundings, Usage


def families_around(seen: Surroundings | None) -> list[Family]:
    """None of them has a sample before the first look."""
    certificate = seen.certificate if seen else None
    return [
        single(
            "akbot_surroundings_look_timestamp_seconds",
            "When these were looked at last; not while things are restarted on purpose.",
            seen.at.timestamp() if seen else None,
        ),
        *_of_usage((seen.usage if seen else None) or ()),
        *_of_disks((seen.disks if seen else None) or ()),
        *_of_sessions(seen.connections if seen else None),
        single(
            "akbot_certificate_expiry_timestamp_seconds",
            "When the certificate of the public URL expires, or else of the published port.",
            certificate.expires.timestamp() if certificate else None,
        ),
    ]


def _of_usage(usage: Sequence[Usage]) -> list[Family]:
    return [
        _by_service(
            "akbot_container_memory_bytes",
            "What the service's container uses, its page cache left out.",
            ((each.service, each.memory) for each in usage),
        ),
        _by_service(
            "akbot_container_memory_limit_bytes",
            "What it may use; absent where it has no limit of its own.",
            ((each.service, each.memory_limit) for each in usage),
        ),
        _by_service(
            "akbot_container_cpu_cores",
            "Cores that it used between the last two looks.",
            ((each.service, each.cpu) for each in usage),
        ),
        _by_service(
            "akbot_container_cpu_limit_cores",
            "Cores that it may use; absent where it has no limit of its own.",
            ((each.service, each.cpu_limit) for each in usage),
        ),
    ]


def _by_service(name: str, words: str, values: Iterable[tuple[str, float | None]]) -> Family:
    known = ((service, value) for service, value in values if value is not None)
    return labelled(name, words, ("service",), known)


def _of_disks(disks: Sequence[DiskRoom]) -> list[Family]:
    return [
        labelled(
            "akbot_stack_disk_used_bytes",
            "What is used on a file system that the stack's data or Docker lie on.",
            ("path",),
            ((each.place, each.used) for each in disks),
        ),
        labelled(
            "akbot_stack_disk_free_bytes",
            "What is free on it, for other users than root.",
            ("path",),
            ((each.place, each.free) for each in disks),
        ),
    ]


def _of_sessions(seen: Connections | None) -> list[Family]:
    counted = (
        seen if seen and seen.most else None
    )  # one that takes no more cannot be asked how many
    return [
        single(
            "akbot_postgresql_connections",
            "Connections in use; absent where PostgreSQL takes no more.",
            counted.used if counted else None,
        ),
        single(
            "akbot_postgresql_connections_limit",
            "Connections that it takes.",
            counted.most if counted else None,
        ),
    ]
