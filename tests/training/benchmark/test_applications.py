import numpy as np
import pytest
import torch

from training.benchmark.applications import APPLICATIONS, application
from training.errors import TrainingError
from training.finetune import predict
from training.network import Network

WIDTHS = {"VGG16": 512, "InceptionV3": 2048, "ResNet50": 2048, "ResNet50V2": 2048}


@pytest.mark.parametrize("name", APPLICATIONS)
def test_an_application_is_an_encoder_whose_every_variable_is_in_its_state(name: str) -> None:
    encoder = application(name, 75, seed=1)
    assert encoder.features == WIDTHS[name]
    maps = encoder.eval()(torch.zeros(2, 1, 75, 75))
    assert maps.shape[:2] == (2, WIDTHS[name])
    kept = {id(value) for value in encoder.state_dict(keep_vars=True).values()}
    assert {id(variable.value) for variable in encoder.body.variables} <= kept


def test_statistics_of_batch_norm_move_in_training_alone() -> None:
    encoder = application("ResNet50V2", 64, seed=1)
    scans = torch.randn(4, 1, 64, 64)

    def moving() -> np.ndarray:
        return np.concatenate([v.value.detach().numpy().ravel() for v in encoder.body.non_trainable_variables])

    before = moving()
    encoder.eval()(scans)
    assert np.array_equal(before, moving())
    encoder.train()(scans)
    assert not np.allclose(before, moving())


def test_one_seed_is_one_set_of_weights() -> None:
    first, same, other = (application("VGG16", 64, seed=seed).state_dict() for seed in (2**40 + 1, 2**40 + 1, 2))
    assert all(torch.equal(value, same[name_]) for value, name_ in zip(first.values(), same, strict=True))
    assert not all(torch.equal(value, other[name_]) for value, name_ in zip(first.values(), other, strict=True))


def test_a_restored_state_gives_the_same_answers() -> None:
    encoder = application("ResNet50V2", 64, seed=1)
    network = Network(encoder, 4)  # type: ignore[arg-type]
    scans = np.random.default_rng(0).integers(0, 255, (4, 64, 64)).astype(np.uint8)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    before = predict(network, scans)[0]
    network.train()(torch.from_numpy(scans)[:, None])  # moves the statistics
    assert not np.allclose(before, predict(network, scans)[0])
    network.load_state_dict(state)
    assert np.array_equal(before, predict(network, scans)[0])


@pytest.mark.parametrize(("name", "size", "words"), [("VGG19", 96, "VGG16"), ("InceptionV3", 64, "75")])
def test_what_can_not_be_built_is_said_with_the_choices(name: str, size: int, words: str) -> None:
    with pytest.raises(TrainingError, match=words):
        application(name, size, seed=1)
