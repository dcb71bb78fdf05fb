import numpy as np
import torch

from training.adapt import folds_by_patient
from training.benchmark.real import DRAWS, LABELS, Setting, phantom_network, rows, split
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
    recipe = Recipe(size=64, batch=8, real_steps=1, real_views=1)
    return Setting(_scans(80, name="r"), draws, recipe, tmp_path / "finetune.pt")


def test_draws_share_no_patient_and_fewer_labels_lie_within_more() -> None:
    real = _scans(200, name="r")
    few, test = split(real, 1, 40, seed=3)
    more, same = split(real, 1, 80, seed=3)
    assert test.tolist() == same.tolist()
    assert set(few) < set(more)
    assert np.bincount(real.labels[few]).tolist() == [10, 10, 10, 10]
    patients = np.array(real.patients)
    assert not set(patients[more]) & set(patients[test])
    fold = folds_by_patient(real.patients, real.labels, DRAWS, seed=1)
    assert np.bincount(fold).min() > 20


def test_every_row_trains_and_scores(tmp_path) -> None:
    suite = rows(_setting(tmp_path), simclr=False)
    assert len(suite) == DRAWS * (len(LABELS) + len(LABELS) - 1)
    without = next(row for row in suite if row.group == "phantoms 0").run()
    assert without["trained_on"] == 0
    for group in ("phantoms 40", "ImageNet only 40"):
        result = next(row for row in suite if row.group == group).run()
        assert result["trained_on"] == 40
        assert 0 <= result["accuracy"] <= 1
        assert np.sum(result["confusion"]) == result["scans"]


def test_the_checkpoint_of_the_phantom_stage_is_taken(tmp_path) -> None:
    setting = _setting(tmp_path)
    expected = torch.load(setting.weights, weights_only=True)["average"]["head.weight"]
    assert torch.equal(phantom_network(setting).head.weight, expected)
