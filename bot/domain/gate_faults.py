"""What keeps a version at the gate from holding, at one moment."""

from collections.abc import Iterator, Sequence

from bot.domain.gate_signs import Sign, SignKind
from bot.domain.update_gate import LOGGED_IN, ContainerSeen, Sample, Wanted, as_before
from bot.domain.versions import Family, read_tag

ROWS_SINCE = Family(2025, 8)
"""The first family whose workers write a row into the database (facts §1.3)."""
_OK = range(200, 300)
_IN_THE_LOG = (SignKind.RESTARTING, SignKind.SCHEMA, SignKind.MIGRATION)


def is_ready(sample: Sample) -> bool:
    """Whether the server says that it is."""
    return sample.ready in _OK


def has_beaten(sample: Sample, wanted: Wanted) -> bool:
    """Whether the worker is at work, as far as can be seen."""
    if writes_rows(wanted.version) is not False and sample.workers is not None:
        return bool(sample.workers)
    return any(
        each.service == wanted.worker and each.health == "healthy" for each in sample.containers
    )


def writes_rows(version: str | None) -> bool | None:
    """Whether workers of *version* write rows; None where that is not known."""
    found = read_tag(version) if version else None
    return None if found is None else found.family >= ROWS_SINCE


def faults_inside(sample: Sample, wanted: Wanted) -> list[str]:
    """What is not as it must be, but for the public URL, in sentences."""
    if not sample.seen:
        return ["Docker did not answer"]
    return [
        *_of_containers(sample, wanted),
        *_of_pages(sample, wanted),
        *_of_worker(sample, wanted),
        *(f"the log of {quoted(each.service)} says: {each.text}" for each in logged(sample)),
    ]


def logged(sample: Sample) -> list[Sign]:
    """The signs of this moment that a version which holds does not give."""
    return [
        each
        for each in sample.signs
        if each.kind in _IN_THE_LOG
        and (each.kind is not SignKind.SCHEMA or is_ready(sample))  # before it, tables may lack
    ]


def faults_outside(sample: Sample, wanted: Wanted) -> list[str]:
    """Likewise at the public URL."""
    before, now = wanted.baseline.public, sample.answers.public
    if as_before(before, now):
        return []
    return [f"{wanted.baseline.public_url} answers {now or 'nothing'}, {before} before"]


def _of_containers(sample: Sample, wanted: Wanted) -> Iterator[str]:
    for service in (*wanted.services, *wanted.others):
        found = [each for each in sample.containers if each.service == service]
        if not found:
            yield f"there is no container of {quoted(service)}"
        for each in found:
            yield from _of_container(each, wanted)


def _of_container(seen: ContainerSeen, wanted: Wanted) -> Iterator[str]:
    name = quoted(seen.service)
    if not seen.running:
        yield f"{name} does not run"
    elif has_other_image(seen, wanted):
        yield f"{name} is not of the image that was pulled"
    elif seen.service in wanted.services and wanted.version not in {None, seen.version}:
        yield f"{name} is version {seen.version or 'unknown'}, not {wanted.version}"


def has_other_image(seen: ContainerSeen, wanted: Wanted) -> bool:
    """Whether the container was made from another image than the one wanted."""
    return wanted.image_ids.get(seen.service, seen.image_id) != seen.image_id


def _of_pages(sample: Sample, wanted: Wanted) -> Iterator[str]:
    """Before the server is ready no other page is worth a word."""
    if not is_ready(sample):
        yield f"/-/health/ready/ answers {sample.ready or 'nothing'}"
        return
    yield from changed_pages(sample, wanted)
    yield from _changed_urls(sample, wanted)
    login = sample.answers.login
    if wanted.baseline.login == LOGGED_IN and login != LOGGED_IN:
        ended = f"ended in {login}" if login else "was not tried yet"
        yield f"the test login {ended}"


def changed_pages(sample: Sample, wanted: Wanted) -> list[str]:
    """Those of Authentik's own pages that do not answer as they did before."""
    before, now = wanted.baseline, sample.answers
    return _changed(
        [
            ("the login page", before.login_page, now.login_page),
            ("/api/v3/root/config/", before.root_config, now.root_config),
        ]
    )


def _changed_urls(sample: Sample, wanted: Wanted) -> list[str]:
    now = sample.answers.urls
    return _changed([(url, was, now.get(url)) for url, was in wanted.baseline.urls.items()])


def _changed(pages: Sequence[tuple[str, int | None, int | None]]) -> list[str]:
    return [
        f"{name} answers {after or 'nothing'}, {earlier} before"
        for name, earlier, after in pages
        if not as_before(earlier, after)
    ]


def _of_worker(sample: Sample, wanted: Wanted) -> Iterator[str]:
    """The row where there is one; Docker's own check of it before that (facts §1.2, §1.3)."""
    if wanted.worker is None:
        return
    name = quoted(wanted.worker)
    if writes_rows(wanted.version) is not False and sample.workers is not None:
        if not sample.workers:
            yield f"{name} has not beaten since it was started"
        elif wanted.version not in {None, *sample.workers}:
            yield f"{name} beats as version {', '.join(sample.workers)} only"
    elif writes_rows(wanted.version):
        yield f"{name} has no row in the database yet"
    else:
        for each in sample.containers:
            if each.service == wanted.worker and each.health not in {"", "healthy"}:
                yield f"Docker says that {name} is {each.health}"


def quoted(service: str) -> str:
    """A service's name, as it stands in a sentence."""
    return f'"{service}"'
