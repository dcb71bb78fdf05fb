import torch

from training.views import STRONG, Params, Strength, apply, sample, view


def _scans(count: int = 4, size: int = 64) -> torch.Tensor:
    return torch.randint(20, 200, (count, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def _identity(count: int) -> Params:
    still = Strength(0, 0, 0, 0, 0, 0, 0, 0.3, 0, 0, 0, 0)
    params = sample(count, still, torch.Generator().manual_seed(1))
    geometry = torch.tensor([1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]).repeat(count, 1)
    return Params(geometry, params.grey, torch.zeros(count), params.noise * 0, params.wedge, params.top, params.bars)


def test_views_keep_shape_and_range_and_repeat_by_seed() -> None:
    first = view(_scans(), STRONG, torch.Generator().manual_seed(2))
    again = view(_scans(), STRONG, torch.Generator().manual_seed(2))
    other = view(_scans(), STRONG, torch.Generator().manual_seed(3))
    assert first.shape == (4, 1, 64, 64)
    assert first.dtype == torch.float32
    assert first.min() >= 0
    assert first.max() <= 255
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_no_change_is_no_change() -> None:
    scans = _scans()
    out = apply(scans, _identity(4), torch.Generator())
    torch.testing.assert_close(out[:, 0], scans.float(), atol=0.5, rtol=0)


def test_a_flip_mirrors() -> None:
    scans, params = _scans(), _identity(4)
    params.geometry[:, 0] = -1.0
    out = apply(scans, params, torch.Generator())
    torch.testing.assert_close(out[:, 0], scans.float().flip(2), atol=0.5, rtol=0)


def test_wedges_are_background_and_bars_are_black() -> None:
    scans, params = _scans(), _identity(4)
    params.wedge[:] = 0.2
    params.top[:] = True
    params.bars[:] = 0.05
    out = apply(scans, params, torch.Generator())[:, 0]
    top = out[:, :10, 10:-10].reshape(4, -1)
    assert torch.all(top.std(dim=1) < 1e-3)
    assert torch.all(out[:, :, 0] == 0)
    torch.testing.assert_close(out[:, 20:, 10:-10], scans[:, 20:, 10:-10].float(), atol=0.5, rtol=0)
