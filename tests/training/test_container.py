"""The training image's commands, on folders such as SageMaker mounts."""

import json
import os
import shutil
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from lambda_src.model.manifest import CLASSES
from training import container, train
from training.environment import places
from training.phantom import phantom
from training.recipe import make_recipe


def job_in(folder: Path, hyperparameters: dict[str, str], channels: list[str]) -> Path:
    config = folder / "input" / "config"
    config.mkdir(parents=True)
    (config / "hyperparameters.json").write_text(json.dumps(hyperparameters))
    (config / "inputdataconfig.json").write_text(json.dumps({name: {"TrainingInputMode": "File"} for name in channels}))
    for name in channels:
        (folder / "input" / "data" / name).mkdir(parents=True)
    return folder


def test_a_job_s_files_become_folders_and_a_recipe(tmp_path: Path) -> None:
    job = job_in(tmp_path, {"epochs": "3", "held-out": "50", "deferred": "0.1"}, ["labelled", "evaluate"])
    where, hyperparameters = places({}, container.variables(job))
    assert (where.out, where.labelled) == (job / "model", job / "input" / "data" / "labelled")
    assert (where.evaluate, where.unlabelled) == (job / "input" / "data" / "evaluate", None)
    assert (where.checkpoints, where.results) == (job / "checkpoints", job / "output" / "data")
    recipe = make_recipe(hyperparameters)
    assert (recipe.epochs, recipe.held_out, recipe.deferred) == (3, 50, 0.1)


def test_a_job_without_channels_or_hyperparameters_is_one_with_defaults(tmp_path: Path) -> None:
    where, hyperparameters = places({}, container.variables(tmp_path))
    assert (where.labelled, hyperparameters) == (None, {})


def test_the_self_test_s_hyperparameters_are_known() -> None:
    assert make_recipe({name.replace("-", "_"): str(value) for name, value in container.SMALL.items()}).phantoms == 96


def test_a_self_test_without_a_bundle_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(train, "main", lambda _arguments: 0)
    assert container.main(["selftest"]) == 1


def test_an_archive_is_unpacked_and_scored(tmp_path: Path, tiny_bundle: Path) -> None:
    for name in ("model", "input", "report"):
        (tmp_path / name).mkdir()
    with tarfile.open(tmp_path / "model" / container.ARCHIVE, "w:gz") as archive:
        archive.add(tiny_bundle, ".")
    for number, label in enumerate(CLASSES):
        (tmp_path / "input" / label).mkdir()
        picture = phantom(number, label, shape=(160, 168)).pixels
        Image.fromarray(picture).save(tmp_path / "input" / label / f"{label}-{number}-1.png")
    assert container.run_evaluation(tmp_path) == 0
    result = json.loads((tmp_path / "report" / "evaluation.json").read_text())
    assert result["scans"] == 4
    assert set(result["recall"]) == set(CLASSES)
    assert 0 <= result["top_class_accuracy"]["value"] <= 1


def test_an_archive_that_is_no_bundle_fails(tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parent, tmp_path / "model")
    (tmp_path / "input").mkdir()
    with tarfile.open(tmp_path / "model" / container.ARCHIVE, "w:gz"):
        pass
    assert container.run_evaluation(tmp_path) == 1
