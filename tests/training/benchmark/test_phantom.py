import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.benchmark.applications import APPLICATIONS
from training.benchmark.phantom import PUBLIC_SHAPE, RATES, SEEDS, Phantoms, draw_phantoms, few_labels, imbalanced, rows
from training.data import ScanSet
from training.errors import TrainingError
from training.recipe import Recipe

_RECIPE = Recipe(size=64, batch=4, epochs=4, pretrain_epochs=1, pretrain_batch=8, views="mild")


def _scans(count: int, name: str, size: int = 64) -> ScanSet:
    """Four textures that a network tells apart soon: stripes and grains, fine and coarse, on noise."""
    random = np.random.default_rng(sum(name.encode()))
    y, x = np.mgrid[:size, :size]
    patterns = np.stack([y // 2 % 2, y // 8 % 2, (x // 2 + y // 2) % 2, (x // 8 + y // 8) % 2])
    labels = np.arange(count) % 4
    pixels = 60 + 130 * patterns[labels] + random.integers(-40, 40, (count, size, size))
    return ScanSet(pixels.astype(np.uint8), labels, tuple(f"{name}{i}" for i in range(count)))


def _setting(recipe: Recipe = _RECIPE, *, train: int = 8, real: bool = False) -> Phantoms:
    size = recipe.size
    scans = _scans(train, "t", size), _scans(4, "v", size), _scans(16, "h", size)
    return Phantoms(*scans, _scans(8, "r", size) if real else None, recipe)


def _run(setting: Phantoms, group: str, draw: int = 0) -> dict[str, Any]:
    return next(row for row in rows(setting) if row.group == group and row.draw == draw).run()


def test_the_suite_has_every_row_with_its_initial_weights() -> None:
    suite = rows(_setting(train=200))
    weights = {row.group: row.facts["weights"] for row in suite}
    labels = {row.group: row.facts["labels"] for row in suite}
    assert [*weights] == [*APPLICATIONS, "Lite0", "SimCLR 1", "SimCLR 10", "ours", "class weights", "no class weights"]
    assert [group for group, start in weights.items() if start == "random"] == [*APPLICATIONS, "Lite0"]
    assert (labels["SimCLR 1"], labels["SimCLR 10"], labels["ours"]) == (4, 20, 200)
    assert len({row.file for row in suite}) == len(suite) == len(weights) + 2 * (SEEDS - 1)


@pytest.mark.parametrize("name", ["VGG16", "InceptionV3"])  # without batch norm, and with; `test_applications` has all
def test_big_networks_are_trained_and_scored(name: str) -> None:
    result = _run(_setting(dataclasses.replace(_RECIPE, size=75)), name)
    assert result["images_seen"] == {"simclr": 0, "labelled": 32}
    assert result["rate"] in RATES
    losses = result["search"]["validation_loss"]
    assert min(losses, key=lambda rate: losses[rate]) == f"{result['rate']:g}"
    assert np.isfinite([*losses.values()]).all()
    assert result["parameters"] > 14e6
    assert np.sum(result["phantoms"]["confusion"]) == 16


def test_simclr_takes_its_views_off_the_budget() -> None:
    result = _run(_setting(train=40, real=True), "SimCLR 10")
    assert result["images_seen"] == {"simclr": 80, "labelled": 80}
    assert result["labelled_scans"] == [1, 1, 1, 1]
    assert result["real"]["scans"] == 8
    assert set(result["real"]["accuracy"]) == {"value", "low", "high"}


def test_other_labels_give_another_accuracy() -> None:
    setting = _setting(dataclasses.replace(_RECIPE, batch=12, epochs=6, ema=0.9), train=48)
    wrong = dataclasses.replace(setting.train, labels=(setting.train.labels + 1) % 4)
    right = _run(setting, "ours")["accuracy"]
    misled = _run(dataclasses.replace(setting, train=wrong), "ours")["accuracy"]
    assert right > 0.7
    assert misled < 0.3


def test_weights_and_no_weights_differ_in_nothing_else() -> None:
    setting = _setting(dataclasses.replace(_RECIPE, batch=12), train=48)
    first, second = _run(setting, "class weights", 1), _run(setting, "no class weights", 1)
    assert first["seed"] == second["seed"] == _RECIPE.seed + 1
    assert first["labelled_scans"] == second["labelled_scans"] == [8, 2, 2, 12]
    assert first["search"]["validation_loss"] != second["search"]["validation_loss"]


def test_subsets_keep_even_classes_or_the_public_shape() -> None:
    scans = _scans(400, "t")
    assert np.bincount(few_labels(scans, 10).labels).tolist() == [10, 10, 10, 10]
    assert np.bincount(few_labels(scans, 1).labels).tolist() == [1, 1, 1, 1]
    counts = np.bincount(imbalanced(scans).labels)
    assert counts[3] == 100
    assert counts / counts.sum() == pytest.approx(np.array(PUBLIC_SHAPE) / sum(PUBLIC_SHAPE), abs=0.01)


def test_what_is_trained_on_chosen_on_and_scored_on_shares_no_seed(tmp_path: Path) -> None:
    recipe = dataclasses.replace(_RECIPE, phantoms=8, held_out=4)
    setting = draw_phantoms(recipe, None, tmp_path)
    parts = [set(part.patients) for part in (setting.train, setting.validation, setting.held_out)]
    assert [len(part) for part in parts] == [8, 4, 4]
    assert len(set.union(*parts)) == 16
    assert setting.images == 32


def test_simclr_may_not_use_up_the_budget(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="less than half"):
        draw_phantoms(dataclasses.replace(_RECIPE, pretrain_epochs=2), None, tmp_path)
