import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lambda_src.model.manifest import CLASSES
from training.checkpoint import save_atomically
from training.data import ScanSet
from training.encoder import EfficientNetLite0
from training.finetune import Source, finetune
from training.loop import Schedule
from training.network import Network, build_encoder
from training.probe import encoder_of, main
from training.recipe import Recipe
from training.simclr import pretrain

RECIPE = Recipe(size=64, pretrain_batch=4, pretrain_epochs=1)


@pytest.fixture(scope="module")
def scans() -> ScanSet:
    """Stripes of a class's own width: what any features tell apart."""
    rng = np.random.default_rng(1)
    labels = np.arange(40) // 2 % 4
    pixels = rng.integers(0, 60, (40, 64, 64)).astype(np.uint8)
    for number, label in enumerate(labels):
        pixels[number, np.arange(64) % (4 << label) < (2 << label)] += 150
    return ScanSet(pixels, labels, tuple(str(index // 2) for index in range(40)))


@pytest.fixture(scope="module")
def folder(scans: ScanSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("scans")
    for number, (pixels, label, patient) in enumerate(zip(scans.pixels, scans.labels, scans.patients, strict=True)):
        name = CLASSES[label]
        (root / name).mkdir(exist_ok=True)
        Image.fromarray(pixels).save(root / name / f"{name}-{patient}-{number}.png")
    return root


def test_both_stages_checkpoints_are_read(scans: ScanSet, tmp_path: Path) -> None:
    torch.manual_seed(1)
    encoder = EfficientNetLite0()
    pretrain(encoder, scans.pixels[:8], RECIPE, checkpoint=tmp_path / "pretrain.pt")
    network = Network(encoder, len(CLASSES))
    for path in (tmp_path / "pretrain.pt", tmp_path / "finetune.pt"):
        if path.stem == "finetune":
            finetune(network, [Source(scans, 8)], RECIPE, Schedule(1, 1e-3), checkpoint=path)
        read = encoder_of(str(path))
        for name, value in encoder.state_dict().items():
            assert torch.equal(read.state_dict()[name], value), name


def test_the_kind_of_encoder_is_told_by_its_weights(tmp_path: Path) -> None:
    network = Network(build_encoder("resnet50", "random"), len(CLASSES))
    save_atomically(tmp_path / "finetune.pt", {"average": network.state_dict()})
    read = encoder_of(str(tmp_path / "finetune.pt"))
    assert read.features == 2048
    assert torch.equal(read.state_dict()["stem.0.0.weight"], network.encoder.state_dict()["stem.0.0.weight"])


def test_a_folder_is_probed(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "probe.json"
    arguments = ["--weights", "imagenet", "--data", str(folder), "--size", "64", "--knn", "3", "--json", str(out)]
    assert main(arguments) == 0
    result = json.loads(out.read_text())
    assert (result["scans"], result["patients"]) == (40, 20)
    for name in ("linear", "knn"):
        figures = result[name]
        assert figures["accuracy"]["value"] > 0.9
        assert figures["accuracy"]["low"] <= figures["accuracy"]["value"] <= figures["accuracy"]["high"]
        assert set(figures["recall"]) == set(CLASSES)
    printed = capsys.readouterr().out
    assert printed.startswith("linear")
    assert f"{100 * result['knn']['accuracy']['value']:.1f} %" in printed


def test_phantoms_need_no_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "--weights",
        "random",
        "--phantoms",
        "16",
        "--size",
        "64",
        "--cache",
        str(tmp_path),
        "--knn",
        "3",
        "--folds",
        "2",
    ]
    assert main(arguments) == 0
    assert capsys.readouterr().out.count("CNV") == 2


@pytest.mark.parametrize(("state", "said"), [(None, "there is no checkpoint"), ({"average": {}}, "holds no encoder")])
def test_what_holds_no_encoder_is_refused(
    state: dict[str, object] | None, said: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.pt"
    if state is not None:
        save_atomically(path, state)
    assert main(["--weights", str(path), "--data", str(folder)]) == 1
    assert said in capsys.readouterr().err
