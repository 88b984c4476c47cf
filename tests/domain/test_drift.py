"""Whether a container is the one that the compose file asks for."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.drift import Drift, Made, judge_drift, with_tags_as_made

MADE = Made(
    service="server",
    container="authentik",
    version="2.26.1",
    config_hash="abc",
    image="g/s:1",
    variables={"A": "1", "PATH": "/bin", "P": "a$b", "AUTHENTIK_X": "x", "AUTHENTIK_OF_IMAGE": "y"},
    of_image=frozenset({"PATH", "AUTHENTIK_OF_IMAGE"}),
    binds={"/media": "/srv/media"},
    volumes={"/data": "authentik_data", "/anonymous": "f00"},
    ports=frozenset({("9000", "9000/tcp")}),
)
SERVICE: dict[str, Any] = {
    "image": "g/s:1",
    "environment": {"A": "1", "P": "a$$b", "AUTHENTIK_X": "x", "FROM_SHELL": None},
    "volumes": [
        {"type": "bind", "source": "/srv/media", "target": "/media/"},
        {"type": "volume", "source": "data", "target": "/data"},
        {"type": "tmpfs", "target": "/tmp"},
    ],
    "ports": [{"published": "9000", "target": 9000}],
}


def judge(
    made: Made = MADE, version: str = "2.30.0", hashed: str = "xyz", **changes: Any
) -> list[Drift]:
    config = {"services": {"server": {**SERVICE, **changes}}, "volumes": VOLUMES}
    return [*judge_drift([made], config, {"server": ["another", hashed]}, version)]


VOLUMES = {"data": {"name": "authentik_data"}}


@pytest.mark.parametrize("version", ["2.26.1", "2.26.1-4", "2.26.1+ds1"])
def test_of_the_same_compose_the_hash_counts(version: str) -> None:
    assert judge(version=version, hashed="abc", image="another") == []
    assert judge(version=version) == [Drift("server", "authentik")]
    assert judge(version=version, image="b") == [Drift("server", "authentik", ("image",))]


def test_of_another_compose_only_what_is_plainly_another_counts() -> None:
    assert judge() == []
    assert judge(restart="always", labels={"a": "b"}) == []
    assert judge(replace(MADE, version="")) == []


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"image": "g/s:2"}, ("image",)),
        ({"environment": {**SERVICE["environment"], "A": "2", "B": "new"}}, ("A", "B")),
        ({"environment": {"A": "1", "P": "a$b"}}, ("AUTHENTIK_X",)),
        ({"environment": {**SERVICE["environment"], "PATH": "/bin"}}, ()),
        ({"volumes": SERVICE["volumes"][1:]}, ("the mount at /media",)),
        ({"volumes": SERVICE["volumes"][1:], "secrets": [{"source": "x"}]}, ()),
        ({"volumes": SERVICE["volumes"][1:], "configs": [{"source": "x"}]}, ()),
        ({"volumes": [*SERVICE["volumes"], {"type": "volume", "target": "/anonymous"}]}, ()),
        (
            {"volumes": [*SERVICE["volumes"], {"type": "bind", "source": "/x", "target": "/X/"}]},
            ("the mount at /X",),
        ),
        (
            {
                "volumes": [
                    SERVICE["volumes"][0],
                    {"type": "volume", "source": "other", "target": "/data"},
                ]
            },
            ("the mount at /data",),
        ),
        (
            {"volumes": [{"type": "bind", "source": "/o", "target": "/media"}]},
            ("the mount at /media",),
        ),
        ({"ports": []}, ("ports",)),
        ({"ports": [{"published": "9001", "target": 9000, "protocol": "tcp"}]}, ("ports",)),
        ({"ports": [{"published": "9000", "target": 9000, "protocol": "udp"}]}, ("ports",)),
        ({"ports": [{"target": 9000}]}, ()),
        ({"ports": [], "network_mode": "host"}, ()),
    ],
)
def test_what_differs_is_named_without_its_value(
    changes: dict[str, Any], what: tuple[str, ...]
) -> None:
    assert judge(**changes) == ([Drift("server", "authentik", what)] if what else [])


def test_a_service_that_is_in_no_file_any_more() -> None:
    other = replace(MADE, service="worker", image="g/s:0")

    found = judge_drift([MADE, other], {"services": {"worker": {"image": "g/s:1"}}}, {}, "2.26.1")

    assert found[0] == Drift("server", "authentik", ("the service is gone",))
    assert [each.service for each in found] == ["server", "worker"]


def test_a_service_of_a_profile_that_no_file_turns_on() -> None:
    found = judge_drift([MADE], {"services": {}}, {}, "2.26.1", {"server": ("sso",), "other": ()})

    assert [*found] == [Drift("server", "authentik", profiles=("sso",))]


POSTGRES = replace(MADE, service="db", variables={"AUTHENTIK_TAG": "2025.2.1", "A": "1"})


def with_tag(tag: str, **changes: str) -> dict[str, Any]:
    given = {"AUTHENTIK_TAG": tag, "A": "1", **changes}
    return {"name": "sso", "services": {"db": {"image": "g/s:1", "environment": given}}}


def test_the_configuration_as_it_was_before_an_update_chose_another_tag() -> None:
    after = with_tag("2025.2.4", A="2")

    assert with_tags_as_made(after, [POSTGRES]) == with_tag("2025.2.1", A="2")
    assert after == with_tag("2025.2.4", A="2")
    assert with_tags_as_made(with_tag("2025.2.1"), [POSTGRES]) is None
    assert with_tags_as_made(after, [MADE]) is None, "a container without it, and without a service"
    assert with_tags_as_made({"services": {"db": {}}}, [POSTGRES]) is None


def test_a_tag_among_the_variables_is_no_difference_but_the_image_is() -> None:
    made = replace(MADE, variables={**MADE.variables, "AUTHENTIK_TAG": "1"})
    given = {**SERVICE["environment"], "AUTHENTIK_TAG": "2"}

    assert judge(made, environment=given) == []
    assert judge(made, environment=given, image="g/s:2") == [
        Drift("server", "authentik", ("image",))
    ]
