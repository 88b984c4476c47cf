"""What botocore's descriptions lack here: the manual and other services, and nothing else."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader
from botocore.session import Session

from bot.adapters.s3_models import ModelFiles, lean_session

KEPT = {"s3", "sts", "sso", "portal.sso", "oidc", "signin"}


def without_manual(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: "" if name == "documentation" else without_manual(each)
            for name, each in value.items()
        }
    return [without_manual(each) for each in value] if isinstance(value, list) else value


def test_only_the_manual_is_left_out() -> None:
    lean = lean_session().get_service_data("s3")

    assert lean == without_manual(Session().get_service_data("s3"))
    assert not lean["documentation"]
    assert "PutObject" in lean["operations"]


@pytest.mark.parametrize("loader", [JSONFileLoader, ModelFiles])
def test_files_are_found_as_botocore_finds_them(
    loader: type[JSONFileLoader], tmp_path: Path
) -> None:
    (tmp_path / "plain.json").write_bytes(b'{"a": 1}')
    (tmp_path / "packed.json.gz").write_bytes(gzip.compress(b'{"a": 2}'))
    found = [loader().load_file(str(tmp_path / name)) for name in ("plain", "packed", "none")]

    assert found == [{"a": 1}, {"a": 2}, None]


def test_of_the_endpoints_only_other_services_are_left_out() -> None:
    lean, full = (each.get_data("endpoints")["partitions"] for each in (lean_session(), Session()))

    assert [each["partition"] for each in lean] == [each["partition"] for each in full]
    for ours, theirs in zip(lean, full, strict=True):
        services = {name: theirs["services"][name] for name in theirs["services"] if name in KEPT}
        assert ours == {**theirs, "services": services}
    assert (
        {"s3", "sts", "portal.sso", "oidc"} <= set(lean[0]["services"]) < set(full[0]["services"])
    )


@pytest.mark.parametrize("service", ["s3", "sts", "sso", "sso-oidc", "signin"])
def test_a_client_asks_where_botocore_would_ask(service: str) -> None:
    for region in ("us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"):
        ours, theirs = (
            each.create_client(
                service, region, aws_access_key_id="key", aws_secret_access_key="secret"
            )
            for each in (lean_session(), Session())
        )

        assert ours.meta.endpoint_url == theirs.meta.endpoint_url
