import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from lambda_src.classifier import load_classifier
from lambda_src.errors import BundleRefused
from lambda_src.model.bundle import load_bundle
from tests.support.tiny_bundle import SIZE, write_manifest


@pytest.fixture
def folder(tiny_bundle, tmp_path) -> Path:
    return Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))


def test_a_bundle_that_fits_runs(tiny_bundle):
    bundle = load_bundle(tiny_bundle)
    raw = bundle.run(np.zeros((3, 1, SIZE, SIZE), np.uint8))
    assert (raw.logits.shape, raw.embedding.shape, raw.class_maps.shape) == ((3, 4), (3, 2), (3, 4, 4, 4))


def every_file(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_one_changed_byte_anywhere_is_refused(folder):
    for name in every_file(folder):
        path = folder / name
        before = path.read_bytes()
        changed = bytearray(before)
        at = before.index(b"1.0") if name == "manifest.json" else len(before) // 2
        changed[at] ^= 2
        path.write_bytes(bytes(changed))
        with pytest.raises(BundleRefused):
            load_classifier(folder)
        path.write_bytes(before)
    load_classifier(folder)


def test_another_model_than_the_deployment_names_is_refused(folder):
    with pytest.raises(BundleRefused, match="not the one") as caught:
        load_bundle(folder, expected_sha256="0" * 64)
    assert caught.value.limit == "0" * 64


def test_a_missing_manifest_or_file_is_refused(folder, tmp_path):
    with pytest.raises(BundleRefused, match="no manifest"):
        load_bundle(tmp_path / "nowhere")
    (folder / "MODEL_CARD.md").unlink()
    with pytest.raises(BundleRefused, match=r"lacks its file MODEL_CARD\.md"):
        load_bundle(folder)


@pytest.mark.parametrize(("text", "word"), [("{", "not JSON"), ("{}", "schema"), ("[]", "schema")])
def test_a_manifest_of_another_shape_is_refused(folder, text, word):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(BundleRefused, match=word):
        load_bundle(folder)


def test_a_graph_that_is_none_is_refused(folder):
    (folder / "model.onnx").write_bytes(b"no graph at all")
    write_manifest(folder)
    with pytest.raises(BundleRefused, match="no graph"):
        load_bundle(folder)


def test_a_graph_with_another_input_is_refused(folder):
    path = folder / "model.onnx"
    model = onnx.load_model_from_string(path.read_bytes())
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 64
    path.write_bytes(model.SerializeToString())
    write_manifest(folder)
    with pytest.raises(BundleRefused, match="must take one input"):
        load_bundle(folder)


def test_a_limit_on_what_is_not_measured_is_refused(folder):
    raw = json.loads((folder / "manifest.json").read_text())
    raw["quality"]["sharpness"] = {"minimum": 1, "reason": "blurred"}
    from lambda_src.model.manifest import Manifest, sealed

    (folder / "manifest.json").write_text(sealed(Manifest.model_validate(raw)).model_dump_json())
    with pytest.raises(BundleRefused, match="sharpness"):
        load_bundle(folder)


def test_a_refusal_never_shows_a_path(folder):
    (folder / "model.onnx").unlink()
    with pytest.raises(BundleRefused) as caught:
        load_bundle(folder)
    assert str(folder) not in caught.value.detail
