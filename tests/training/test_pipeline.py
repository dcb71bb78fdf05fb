import math
from pathlib import Path

import pytest
import torch

from training.checkpoint import save_atomically
from training.environment import Places
from training.errors import TrainingError
from training.network import Network, build_encoder, prefer_urgent
from training.pipeline import average_with, load_weights, weights_source
from training.recipe import Recipe


def _network(seed: int) -> Network:
    torch.manual_seed(seed)
    return Network(build_encoder("lite0", "random"), 4)


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    save_atomically(tmp_path / "finetune.pt", {"average": _network(2).state_dict()})
    return tmp_path / "finetune.pt"


def test_an_earlier_training_is_gone_on_from(earlier: Path) -> None:
    network = _network(1)
    load_weights(network, earlier)
    assert torch.equal(network.head.weight, _network(2).head.weight)


def test_weights_are_averaged(earlier: Path) -> None:
    network = _network(1)
    average_with(network, earlier)
    expected = (_network(1).head.weight + _network(2).head.weight) / 2
    torch.testing.assert_close(network.head.weight, expected)


def test_a_checkpoint_of_another_stage_is_refused(tmp_path: Path) -> None:
    save_atomically(tmp_path / "pretrain.pt", {"average": {"project.0.weight": torch.zeros(1)}})
    for path in (tmp_path / "pretrain.pt", tmp_path / "none.pt"):
        with pytest.raises(TrainingError, match=r"no finetune\.pt"):
            load_weights(_network(1), path)


def test_the_source_of_the_weights_is_told(earlier: Path, tmp_path: Path) -> None:
    where = Places(out=tmp_path, cache=tmp_path, start=earlier)
    assert weights_source(Recipe(init="random"), Places(out=tmp_path, cache=tmp_path)) == "random"
    assert "went on from an earlier training, finetune.pt sha256" in weights_source(Recipe(), where)


def test_urgent_classes_count_for_their_factor() -> None:
    network = _network(1)
    before = network.head.bias.detach().clone()
    prefer_urgent(network, 3.0)
    added = (network.head.bias.detach() - before).tolist()
    assert added == pytest.approx([math.log(3), math.log(3), 0, 0, 0], abs=1e-6)
