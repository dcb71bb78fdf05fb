import math

import torch
from torch import Tensor, nn

from training.encoder import EfficientNetLite0
from training.recipe import Recipe
from training.simclr import Contrast, nt_xent, pretrain


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


def test_pretraining_changes_the_encoder_and_is_repeatable() -> None:
    recipe = Recipe(size=64, pretrain_batch=4, pretrain_epochs=1)
    pairs = torch.randint(0, 255, (8, 2, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)).numpy()

    def trained() -> tuple[list[float], Tensor, Tensor]:
        torch.manual_seed(3)
        encoder = EfficientNetLite0()
        weight = next(encoder.stem.parameters())
        before = weight.detach().clone()
        losses = pretrain(encoder, pairs, recipe)
        return losses, before, weight.detach()

    losses, before, after = trained()
    again, _, same = trained()
    assert losses == again
    assert torch.equal(after, same)
    assert not torch.equal(before, after)
