import numpy as np
import pytest
import torch

from lambda_src.model.manifest import CLASSES
from training.adapt import folds_by_patient
from training.data import ScanSet
from training.errors import TrainingError
from training.finetune import Source, class_weights, finetune, predict
from training.loop import Schedule
from training.network import Network, build_encoder, freeze, standardise
from training.recipe import Recipe
from training.sampling import order_at


def _set(count: int = 16) -> ScanSet:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 255, (count, 64, 64)).astype(np.uint8)
    return ScanSet(pixels, np.arange(count) % 4, tuple(str(i) for i in range(count)))


def test_class_weights_balance_the_public_set() -> None:
    counts = (37205, 11348, 8616, 51140)
    labels = np.repeat(np.arange(4), counts)
    weights = class_weights(labels)
    np.testing.assert_allclose(weights * counts, len(labels) / 4, rtol=1e-5)
    assert weights[labels].mean() == pytest.approx(1.0, abs=1e-4)
    assert class_weights(np.array([0, 0, 1])).tolist() == pytest.approx([0.375, 0.75, 1, 1])


def test_every_epoch_shows_every_scan_once() -> None:
    seen = np.concatenate([order_at(step, 4, 10, seed=1, salt="a") for step in range(5)])
    assert sorted(seen[:10]) == list(range(10))
    assert sorted(seen[10:]) == list(range(10))
    assert seen[:10].tolist() != seen[10:].tolist()


def test_finetuning_repeats_and_leaves_frozen_blocks_alone() -> None:
    recipe = Recipe(size=64, batch=8)
    sources = [Source(_set(), 4), Source(_set(8), 4)]

    def trained() -> tuple[list[float], Network, torch.Tensor]:
        torch.manual_seed(1)
        network = Network(build_encoder("lite0", "imagenet"), len(CLASSES))
        freeze(network.encoder, 3)
        frozen = {name: value.clone() for name, value in network.encoder.blocks[0].state_dict().items()}
        losses = finetune(network, sources, recipe, Schedule(2, 1e-3))
        for name, value in network.encoder.blocks[0].state_dict().items():
            assert torch.equal(value, frozen[name]), name
        return losses, network, network.head.weight.detach().clone()

    losses, network, head = trained()
    again, _, same = trained()
    assert losses == again
    assert torch.equal(head, same)
    logits, features = predict(network, _set(5).pixels, batch=2)
    assert logits.shape == (5, 4)
    assert features.shape == (5, 1280)


def test_gain_and_offset_of_the_scanner_drop_out() -> None:
    scans = torch.randint(0, 120, (2, 1, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(standardise(scans), standardise(scans * 2 + 10), atol=0.3, rtol=0)
    assert torch.isfinite(standardise(torch.zeros(1, 1, 8, 8))).all()


def test_folds_keep_patients_whole_and_classes_even() -> None:
    rng = np.random.default_rng(4)
    patients = tuple(str(n) for n in rng.integers(0, 120, 400))
    labels = np.array([int(patient) % 4 for patient in patients])
    fold = folds_by_patient(patients, labels, 5, seed=1)
    for patient in set(patients):
        assert len(set(fold[np.array(patients) == patient])) == 1
    for number in range(5):
        counts = np.bincount(labels[fold == number], minlength=4)
        assert counts.min() > 10


@pytest.mark.parametrize(("encoder", "init"), [("vgg", "imagenet"), ("lite0", "best"), ("resnet50", "imagenet")])
def test_unknown_encoders_and_weights_are_refused(encoder: str, init: str) -> None:
    with pytest.raises(TrainingError):
        build_encoder(encoder, init)
