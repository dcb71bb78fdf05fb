"""The whole path, from phantoms to a bundle that serving loads, with a training too small to be of use."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lambda_src.classifier import load_classifier
from lambda_src.imaging.decode import decode
from lambda_src.model.manifest import CLASSES
from training.checkpoint import StopSignal, save_atomically
from training.drawing import draw
from training.environment import Places
from training.gate import main as gate
from training.network import Network, build_encoder
from training.phantom import phantom
from training.pipeline import finetuned, load_weights
from training.recipe import make_recipe
from training.train import main

pytestmark = pytest.mark.timeout(900)  # whole trainings, in several processes

VALUES = {"size": "64", "phantoms": "96", "epochs": "8", "held-out": "40", "outliers": "20", "deferred": "0", "batch": "16"}
VALUES |= {"localiser-scans": "32", "localiser-steps": "4"}
VALUES |= {"rate": "0.003", "ema": "0.9", "frozen": "5"}
TINY = [word for name, value in VALUES.items() for word in (f"--{name}", value)]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("phantoms")


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labelled")
    for number in range(20):
        label = CLASSES[number % 4]
        (folder / label).mkdir(exist_ok=True)
        Image.fromarray(phantom(5000 + number, label, shape=(160, 168)).pixels).save(folder / label / f"{label}-{number}-1.png")
    return folder


@pytest.fixture(scope="module")
def bundle(cache: Path, labelled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained") / "bundle"
    arguments = ["--out", str(out), "--cache", str(cache), "--evaluate", str(labelled), "--pretrain-pairs", "8", *TINY]
    assert main([*arguments, "--pretrain-epochs", "1", "--pretrain-batch", "4"]) == 0
    return out


def test_the_bundle_loads_and_says_what_it_is(bundle: Path) -> None:
    classifier = load_classifier(bundle)
    manifest = classifier.manifest
    assert manifest.training.real_images_sha256 == []
    assert manifest.metrics["onnx_parity"] < 1e-4
    assert set(manifest.metrics["gate"]) == {"accuracy", *(f"recall {name}" for name in CLASSES)}
    assert "No real scan" in (bundle / "MODEL_CARD.md").read_text()
    result = json.loads((bundle.parent / "training.json").read_text())
    assert result["metrics"]["evaluation"]["scans"] == 20
    assert len(result["losses"]["pretrain"]) == 1


def test_golden_scans_are_marked_as_drawn(bundle: Path) -> None:
    for name in ("cnv", "dme", "drusen", "normal"):
        with Image.open(bundle / "golden" / f"{name}.png") as image:
            assert image.info["Description"] == "Drawn phantom, not a patient"
            assert image.size == (512, 496)
        assert json.loads((bundle / "golden" / f"{name}.json").read_text())["label"] == name.upper()


def test_a_finding_comes_out(bundle: Path) -> None:
    finding = load_classifier(bundle).finding(decode((bundle / "golden" / "cnv.png").read_bytes()))
    assert finding.heat_map is not None
    assert np.array(finding.heat_map.grid).shape == (8, 8)
    assert finding.ood.score > 0


def test_the_gate_refuses_a_worse_bundle_until_told_why(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    into = tmp_path / "in-use"
    assert gate(["--bundle", str(bundle), "--into", str(into)]) == 0
    better = load_classifier(into).manifest
    raised = {name: value + 0.1 for name, value in better.metrics["gate"].items()}
    from training.bundle_writer import copy_bundle

    copy_bundle(bundle, into, metrics={"gate": raised})
    assert gate(["--bundle", str(bundle), "--into", str(into)]) == 1
    assert "accuracy" in capsys.readouterr().err
    assert gate(["--bundle", str(bundle), "--into", str(into), "--accept-regression", "smaller and faster"]) == 0
    assert "smaller and faster" in (into / "MODEL_CARD.md").read_text()
    load_classifier(into)


def test_real_labels_are_fitted_out_of_fold(cache: Path, labelled: Path, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    arguments = [
        "--out",
        str(out),
        "--cache",
        str(cache),
        "--data",
        str(labelled),
        "--real-steps",
        "3",
        "--real-views",
        "2",
        *TINY,
    ]
    assert main(arguments) == 0
    manifest = load_classifier(out).manifest
    assert len(manifest.training.real_images_sha256) == 20
    assert manifest.calibration.cross_fitted
    assert "out_of_fold" in manifest.metrics


def test_no_epochs_take_a_start_as_it_is(cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--cache", str(cache), *TINY, "--epochs", "0"]
    assert main(["--out", str(tmp_path / "none"), *words]) == 1
    assert "give --start" in capsys.readouterr().err
    torch.manual_seed(2)
    network = Network(build_encoder("lite0", "random"), len(CLASSES))
    save_atomically(tmp_path / "finetune.pt", {"average": network.state_dict()})
    recipe = make_recipe({**{name.replace("-", "_"): value for name, value in VALUES.items()}, "epochs": 0})
    where = Places(out=tmp_path / "bundle", cache=cache, start=tmp_path / "finetune.pt")
    other = Network(build_encoder("lite0", "random"), len(CLASSES))
    load_weights(other, tmp_path / "finetune.pt")
    assert finetuned(other, draw(recipe, cache), recipe, where, StopSignal()) == []
    torch.testing.assert_close(other.state_dict(), network.state_dict())


def _sagemaker(tmp_path: Path, cache: Path) -> tuple[list[str], dict[str, str]]:
    hyperparameters = {**VALUES, "epochs": "15"}
    env = {
        **os.environ,
        "SM_MODEL_DIR": str(tmp_path / "model"),
        "SM_OUTPUT_DATA_DIR": str(tmp_path / "output" / "data"),
        "SM_OUTPUT_DIR": str(tmp_path / "output"),
        "SAGEMAKER_BASE_DIR": str(tmp_path),
        "SM_HPS": json.dumps(hyperparameters),
        "OCT_REVISION": "test",
    }
    return [sys.executable, "-m", "training.train", "--cache", str(cache)], env


def test_sigterm_in_mid_epoch_resumes_to_the_same_model(cache: Path, tmp_path: Path, root: Path) -> None:
    command, env = _sagemaker(tmp_path / "broken", cache)
    broken = subprocess.Popen(command, env=env, cwd=root, stdout=subprocess.PIPE, text=True)
    assert broken.stdout is not None
    for line in broken.stdout:
        if line.startswith("stage=finetune step=20"):
            break
    broken.send_signal(signal.SIGTERM)
    broken.communicate(timeout=60)
    assert broken.returncode == 143
    assert not (tmp_path / "broken" / "model" / "manifest.json").exists()
    subprocess.run(command, env=env, cwd=root, check=True, stdout=subprocess.DEVNULL)
    whole_command, whole_env = _sagemaker(tmp_path / "whole", cache)
    subprocess.run(whole_command, env=whole_env, cwd=root, check=True, stdout=subprocess.DEVNULL)
    resumed, whole = (json.loads((tmp_path / name / "output/data/training.json").read_text()) for name in ("broken", "whole"))
    assert resumed["model_sha256"] == whole["model_sha256"]
    assert resumed["metrics"]["gate"] == whole["metrics"]["gate"]


def test_two_processes_train_one_bundle(cache: Path, tmp_path: Path, root: Path) -> None:
    command, env = _sagemaker(tmp_path, cache)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *command[1:]]
    halved = ["--batch", "8", "--pretrain-pairs", "8", "--pretrain-batch", "4"]
    done = subprocess.run([*launch, *halved], env=env, cwd=root, check=True, stdout=subprocess.PIPE, text=True)
    steps = [line.split(" loss=")[0] for line in done.stdout.splitlines() if line.startswith("stage=")]
    assert len(steps) == len(set(steps)), "both processes report"
    assert "stage=pretrain step=2" in steps
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["finetune.pt", "localiser.pt", "pretrain.pt"]
    assert done.stdout.count("bundle oct-lite0") == 1
    load_classifier(tmp_path / "model")


def test_a_failure_leaves_its_reason(tmp_path: Path, root: Path, cache: Path) -> None:
    command, env = _sagemaker(tmp_path, cache)
    failed = subprocess.run([*command, "--size", "65"], env=env, cwd=root, check=False, capture_output=True, text=True)
    assert failed.returncode == 1
    assert "size = 65" in failed.stderr
    assert "size = 65" in (tmp_path / "output" / "failure").read_text()
