"""What S3's description lacks where the manual is left out: the manual, and nothing else."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader
from botocore.session import Session

from bot.adapters.s3_models import ModelFiles, lean_session


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
