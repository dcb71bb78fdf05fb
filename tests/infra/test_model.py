import json
from pathlib import Path

import pytest

from infra.model import model_in, published
from lambda_src.aws.publish import bundle_prefix
from lambda_src.model.manifest import Manifest


def test_a_bundle_in_a_folder_has_the_prefix_that_publishing_gives_it(tiny_bundle: Path):
    manifest = Manifest.model_validate_json((tiny_bundle / "manifest.json").read_bytes())
    model = model_in(tiny_bundle)
    assert model.prefix == bundle_prefix(manifest)
    assert model.sha256 == manifest.model.sha256
    assert model.folder == tiny_bundle


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="no manifest"):
        model_in(tmp_path)


def test_a_published_model_is_named_by_prefix_and_hash():
    model = published(f"bundles/oct-1.0.0-abc@{'f' * 64}")
    assert (model.prefix, model.sha256, model.folder) == ("bundles/oct-1.0.0-abc", "f" * 64, None)


@pytest.mark.parametrize("name", ["bundles/oct", f"elsewhere/oct@{'f' * 64}", "bundles/oct@abc"])
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match="names no published model"):
        published(name)


def test_what_goes_up_is_what_the_manifest_names(sandbox, crowded_bundle: Path):
    (path,) = sandbox.folder.glob("*-Model.assets.json")
    sources = [item["source"]["path"] for item in json.loads(path.read_text())["files"].values()]
    (folder,) = (sandbox.folder / name for name in sources if (sandbox.folder / name / "manifest.json").is_file())
    carried = {item.relative_to(folder).as_posix() for item in folder.rglob("*") if item.is_file()}
    assert (crowded_bundle / "phantom_only" / "manifest.json").is_file()
    assert carried == set(model_in(crowded_bundle).files)
    assert "golden/cnv.png" in carried
