"""The serving image's lock is whole: every package that is asked for, in its version, with a hash for each architecture."""

import re

import pytest

from infra.lock import LISTS, LOCK, lock
from tests.infra.conftest import ROOT


def item(name, version, sha256):
    return {"metadata": {"name": name, "version": version}, "download_info": {"archive_info": {"hashes": {"sha256": sha256}}}}


def pins(path):
    return re.findall(r"^([\w.-]+==[\w.]+)", path.read_text(), re.MULTILINE)


def test_hashes_of_both_architectures_stand_under_one_name():
    text = lock([item("Some_Package", "1.0", "b" * 64), item("other", "2.0", "c" * 64), item("some-package", "1.0", "a" * 64)])
    body = [line for line in text.splitlines() if not line.startswith("#")]
    assert body == [
        "other==2.0 \\", f"    --hash=sha256:{'c' * 64}",
        "some-package==1.0 \\", f"    --hash=sha256:{'a' * 64} \\", f"    --hash=sha256:{'b' * 64}",
    ]  # fmt: skip


def test_two_versions_of_one_package_are_refused_with_both():
    with pytest.raises(ValueError, match=r"a would be 1\.0 here and 1\.1 there"):
        lock([item("a", "1.0", "a" * 64), item("a", "1.1", "b" * 64)])


def test_everything_that_is_asked_for_is_locked():
    asked = [pin for path in LISTS for pin in pins(path)]
    assert len(asked) > 10
    assert set(asked) <= set(pins(LOCK))


def test_nothing_is_without_a_hash_and_compiled_packages_have_one_for_each_architecture():
    entries = re.split(r"^(?=[\w.-]+==)", LOCK.read_text(), flags=re.MULTILINE)[1:]
    hashes = {entry.split("==")[0]: entry.count("--hash=sha256:") for entry in entries}
    assert min(hashes.values()) >= 1
    assert {hashes[name] for name in ("awslambdaric", "numpy", "onnxruntime", "pillow", "pydantic-core")} == {2}


def test_the_server_is_the_one_that_runs_locally():
    assert "uvicorn" in str(pins(LISTS[1]))
    assert [pin for pin in pins(LISTS[1]) if pin.startswith("uvicorn")] == [
        pin for pin in pins(ROOT / "lambda_src" / "requirements-local.txt") if pin.startswith("uvicorn")
    ]
