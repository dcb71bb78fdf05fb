from dataclasses import replace

import numpy as np
import torch

from training.benchmark.real import (
    DRAWS,
    LABELS,
    Setting,
    contrasted_network,
    contrasted_phantom_network,
    fold_of,
    phantom_network,
    rows,
    split,
    trainable,
)
from training.checkpoint import save_atomically
from training.data import ScanSet
from training.drawing import Draws
from training.network import Network, build_encoder
from training.recipe import Recipe


def _scans(count: int, *, name: str, size: int = 64) -> ScanSet:
    pixels = np.random.default_rng(count).integers(0, 255, (count, size, size)).astype(np.uint8)
    return ScanSet(pixels, np.arange(count) % 4, tuple(f"{name}{i // 2}" for i in range(count)))


def _setting(tmp_path) -> Setting:
    torch.manual_seed(1)
    network = Network(build_encoder("lite0", "imagenet"), 4)
    save_atomically(tmp_path / "finetune.pt", {"average": network.state_dict()})
    outliers = _scans(8, name="o").pixels
    draws = Draws(_scans(16, name="p"), outliers, _scans(8, name="h"), outliers)
    recipe = Recipe(size=64, batch=8, real_steps=1, real_views=1, beside_steps=1, pretrain_epochs=1)
    return Setting(_scans(80, name="r"), draws, recipe, tmp_path / "finetune.pt")


def test_draws_share_no_patient_and_fewer_labels_lie_within_more(tmp_path) -> None:
    setting = replace(_setting(tmp_path), real=_scans(200, name="r"))
    real = setting.real
    few, test = split(setting, 1, 40)
    more, same = split(setting, 1, 80)
    assert test.tolist() == same.tolist()
    assert set(few) < set(more)
    assert np.bincount(real.labels[few]).tolist() == [10, 10, 10, 10]
    patients = np.array(real.patients)
    assert not set(patients[trainable(setting, 1)]) & set(patients[test])
    assert set(more) <= set(trainable(setting, 1))
    assert np.bincount(fold_of(setting)).min() > 20


def test_every_row_trains_and_scores(tmp_path) -> None:
    setting = _setting(tmp_path)
    assert len(rows(setting, simclr=False)) == DRAWS * (2 * len(LABELS) - 1)
    suite = rows(setting, simclr=True)
    assert len(suite) == DRAWS * (4 * len(LABELS) - 2)
    for group in ("phantoms 0", "phantoms + SimCLR 0"):
        assert next(row for row in suite if row.group == group).run()["trained_on"] == 0
    for group in ("phantoms 40", "ImageNet only 40", "SimCLR on unlabelled real 40", "phantoms + SimCLR 40"):
        result = next(row for row in suite if row.group == group).run()
        assert result["trained_on"] == 40
        assert 0 <= result["accuracy"] <= 1
        assert np.sum(result["confusion"]) == result["scans"]


def test_the_checkpoint_of_the_phantom_stage_is_taken(tmp_path) -> None:
    setting = _setting(tmp_path)
    expected = torch.load(setting.weights, weights_only=True)["average"]["head.weight"]
    assert torch.equal(phantom_network(setting, 0).head.weight, expected)


def test_simclr_of_a_draw_never_sees_its_test_patients(tmp_path) -> None:
    """Other pixels in the test part leave the network of that draw as it is, and change those of the others."""
    setting = _setting(tmp_path)
    pixels = setting.real.pixels.copy()
    pixels[fold_of(setting) == 2] = 7
    changed = replace(setting, real=replace(setting.real, pixels=pixels))
    for make in (contrasted_network, contrasted_phantom_network):
        ours, theirs = (make(s, 2).encoder.state_dict()["blocks.9.layers.0.weight"] for s in (setting, changed))
        assert torch.equal(ours, theirs)
        assert not torch.equal(ours, make(changed, 3).encoder.state_dict()["blocks.9.layers.0.weight"])
