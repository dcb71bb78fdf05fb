import copy
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from training.checkpoint import StopSignal, Terminated
from training.encoder import EfficientNetLite0
from training.encoder_resnet import ResNet50
from training.loop import rate_at
from training.network import build_encoder
from training.recipe import Recipe
from training.simclr import Contrast, nt_xent, pretrain, schedule_of, views_of
from training.views import VIEWS, Strength

RECIPE = Recipe(size=64, pretrain_batch=4, pretrain_epochs=1)
PAIRS = torch.randint(0, 255, (8, 2, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def _algorithm_1(first: Tensor, second: Tensor, temperature: float) -> float:
    """Chen et al. 2020, Algorithm 1, as printed: z_{2k-1} and z_{2k} are the two views of scan k; slow loops, no shared code."""
    z = [row for pair in zip(first.tolist(), second.tolist(), strict=True) for row in pair]
    count = len(z)

    def s(i: int, j: int) -> float:
        dot = sum(a * b for a, b in zip(z[i], z[j], strict=True))
        lengths = [math.sqrt(sum(a * a for a in z[n])) for n in (i, j)]
        return float(dot / (lengths[0] * lengths[1]))

    def loss(i: int, j: int) -> float:
        others = sum(math.exp(s(i, k) / temperature) for k in range(count) if k != i)
        return -math.log(math.exp(s(i, j) / temperature) / others)

    pairs = range(count // 2)
    return sum(loss(2 * k, 2 * k + 1) + loss(2 * k + 1, 2 * k) for k in pairs) / count


def test_nt_xent_is_algorithm_1() -> None:
    generator = torch.Generator().manual_seed(5)
    for count, temperature in ((2, 0.5), (7, 0.1), (16, 1.0)):
        first, second = (nn.functional.normalize(torch.randn(count, 9, generator=generator), dim=1) for _ in range(2))
        assert abs(float(nt_xent(first, second, temperature)) - _algorithm_1(first, second, temperature)) < 1e-5


def test_projection_is_of_unit_length() -> None:
    model = Contrast(EfficientNetLite0()).eval()
    with torch.inference_mode():
        unit = model(torch.randint(0, 255, (3, 1, 64, 64)).float())
    assert unit.shape == (3, 128)
    torch.testing.assert_close(unit.norm(dim=1), torch.ones(3))


def test_a_view_is_no_negative_of_itself() -> None:
    """One scan alone has nothing to be told from: each of its two views has the other as its only candidate, at no loss."""
    unit = nn.functional.normalize(torch.randn(1, 5, generator=torch.Generator().manual_seed(1)), dim=1)
    assert float(nt_xent(unit, -unit, 0.1)) == 0.0


def test_the_head_has_two_layers_with_a_relu_between() -> None:
    kinds = [type(layer) for layer in Contrast(EfficientNetLite0()).project if not isinstance(layer, nn.BatchNorm1d)]
    assert kinds == [nn.Linear, nn.ReLU, nn.Linear]


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """Image views that do next to nothing but mirror."""
    monkeypatch.setitem(VIEWS, "still", Strength(0, 0, 0, 0, 0, 0, 0, 0.3, 0, 0, 0, 0))
    return Recipe(views="still")


def test_a_pair_gives_a_view_of_each_acquisition(still: Recipe) -> None:
    first, second = views_of(PAIRS, still, torch.Generator().manual_seed(1))
    for views, scans in ((first, PAIRS[:, 0]), (second, PAIRS[:, 1])):
        for seen, scan in zip(views[:, 0], scans.float(), strict=True):
            assert min(float((seen - side).abs().mean()) for side in (scan, scan.flip(1))) < 20
    moved, also = views_of(PAIRS, Recipe(views="strong"), torch.Generator().manual_seed(1))
    for views, unmoved in ((moved, first), (also, second)):
        assert torch.all((views - unmoved).abs().mean(dim=(1, 2, 3)) > 20)


def test_a_scan_alone_is_viewed_twice_and_otherwise() -> None:
    first, second = views_of(PAIRS[:, 0], Recipe(views="strong"), torch.Generator().manual_seed(1))
    assert first.shape == second.shape == (8, 1, 64, 64)
    assert torch.all((first - second).abs().mean(dim=(1, 2, 3)) > 5)


def test_rates_of_both_optimisers() -> None:
    ours = schedule_of(Recipe(pretrain_epochs=2, pretrain_rate=3e-4, weight_decay=0.03), 1000, 64)
    assert (ours.optimiser, ours.rate, ours.weight_decay, ours.steps) == ("adamw", 3e-4, 0.03, 32)
    paper = schedule_of(Recipe(pretrain_optimiser="lars", pretrain_epochs=1), 1_281_167, 4096)
    assert (paper.optimiser, paper.weight_decay, paper.steps) == ("lars", 1e-6, 313)
    assert paper.rate == pytest.approx(4.8)  # section 2.2
    assert rate_at(round(paper.steps * paper.warm_up) - 1, paper) == pytest.approx(4.8)


def test_pretraining_changes_the_encoder_and_is_repeatable() -> None:

    def trained() -> tuple[list[float], Tensor, Tensor]:
        torch.manual_seed(3)
        encoder = EfficientNetLite0()
        weight = next(encoder.stem.parameters())
        before = weight.detach().clone()
        losses = pretrain(encoder, PAIRS.numpy(), RECIPE)
        return losses, before, weight.detach()

    losses, before, after = trained()
    again, _, same = trained()
    assert losses == again
    assert torch.equal(after, same)
    assert not torch.equal(before, after)


@pytest.mark.parametrize("optimiser", ["adamw", "lars"])
def test_a_killed_pretraining_resumes_to_the_same_bits(optimiser: str, tmp_path: Path) -> None:
    recipe = Recipe(size=64, pretrain_batch=4, pretrain_epochs=2, pretrain_optimiser=optimiser)
    torch.manual_seed(3)
    whole = EfficientNetLite0()
    broken, resumed = copy.deepcopy(whole), copy.deepcopy(whole)
    losses = pretrain(whole, PAIRS[:, 0].numpy(), recipe)
    path = tmp_path / "pretrain.pt"
    with pytest.raises(Terminated, match="after step 1 of 4"):
        pretrain(broken, PAIRS[:, 0].numpy(), recipe, checkpoint=path, stop=StopSignal(raised=True))
    assert pretrain(resumed, PAIRS[:, 0].numpy(), recipe, checkpoint=path) == losses
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_maps_are_bfloat16_while_weights_and_loss_are_not() -> None:
    encoder, seen = EfficientNetLite0(), set()
    encoder.blocks[-1].register_forward_hook(lambda _module, _inputs, maps: seen.add(maps.dtype))
    encoder.register_forward_hook(lambda _module, _inputs, _maps: seen.add(next(encoder.parameters()).dtype))
    pretrain(encoder, PAIRS[:4, 0].numpy(), RECIPE)
    assert seen == {torch.bfloat16, torch.float32}
    with torch.autocast("cpu", torch.bfloat16):
        assert Contrast(encoder)(torch.zeros(2, 1, 64, 64)).dtype == torch.float32


def test_resnet_is_pretrained_as_well() -> None:
    encoder = build_encoder("resnet50", "random")
    assert isinstance(encoder, ResNet50)
    before = encoder.state_dict()["blocks.0.layers.0.0.weight"].clone()
    losses = pretrain(encoder, PAIRS[:4].numpy(), RECIPE)
    assert len(losses) == 1
    assert not torch.equal(before, encoder.state_dict()["blocks.0.layers.0.0.weight"])
