"""Random views of scans: what a second visit, another technician or another scanner would change, the diagnosis left alone.

Parameters are sampled in one function and applied in another, for a whole batch at once.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

_BLUR_TAPS = 7
_BACKGROUND_PERCENTILE = 0.2


@dataclass(frozen=True)
class Strength:
    """How far views may go. Geometry in fractions of half the picture's side, grey levels in fractions of full scale."""

    scale: float = 0.22
    shift: float = 0.15
    tilt: float = 0.18
    curve: float = 0.12
    gain: float = 0.35
    gamma: float = 0.45
    offset: float = 0.06
    blur_px: float = 1.3
    speckle: float = 0.3
    noise: float = 0.06
    wedge: float = 0.5
    bars: float = 0.1


MILD = Strength(0.12, 0.1, 0.1, 0.05, 0.25, 0.3, 0.04, 0.8, 0.18, 0.03, 0.4, 0.05)
STRONG = Strength()
VIEWS = {"mild": MILD, "strong": STRONG}


@dataclass(frozen=True)
class Params:
    """One draw for N scans.

    Attributes:
        geometry: [N, 7]: flip, scale x, scale y, shift x, shift y, tilt, curve.
        grey: [N, 3]: gain, gamma, offset.
        blur: [N], sigma in px.
        noise: [N, 2]: speckle, additive.
        wedge: [N, 2], height at the left and right border as a fraction; negative for none.
        top: [N], whether the wedge is above.
        bars: [N, 2], widths of black side bars as fractions.
    """

    geometry: Tensor
    grey: Tensor
    blur: Tensor
    noise: Tensor
    wedge: Tensor
    top: Tensor
    bars: Tensor


def sample(count: int, strength: Strength, generator: torch.Generator) -> Params:
    """Draw the parameters of `count` views."""

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(*(shape or (count,)), generator=generator)

    def chance(p: float) -> Tensor:
        return torch.rand(count, generator=generator) < p

    s = strength
    flip = torch.where(chance(0.5), 1.0, -1.0)
    scales = [torch.exp(uniform(-s.scale, s.scale)) for _ in range(2)]
    shifts = [uniform(-s.shift, s.shift) for _ in range(2)]
    geometry = torch.stack([flip, *scales, *shifts, uniform(-s.tilt, s.tilt), uniform(-s.curve, s.curve)], dim=1)
    gain, gamma = torch.exp(uniform(-s.gain, s.gain)), torch.exp(uniform(-s.gamma, s.gamma))
    wedge = torch.where(chance(s.wedge)[:, None], uniform(0.0, 0.22, count, 2), torch.tensor(-1.0))
    bars = torch.where(chance(s.bars)[:, None], uniform(0.0, 0.07, count, 2), torch.tensor(0.0))
    return Params(
        geometry=geometry,
        grey=torch.stack([gain, gamma, uniform(-s.offset, s.offset)], dim=1),
        blur=torch.where(chance(0.5), uniform(0.3, s.blur_px), torch.tensor(0.0)),
        noise=torch.stack([uniform(0.0, s.speckle), uniform(0.0, s.noise)], dim=1) * chance(0.7)[:, None],
        wedge=wedge,
        top=chance(0.5),
        bars=bars,
    )


def apply(scans: Tensor, params: Params, generator: torch.Generator) -> Tensor:
    """Views of scans.

    Args:
        scans: uint8 [N, S, S], preprocessed.
        params: for N scans.
        generator: draws the noise.

    Returns:
        float32 [N, 1, S, S], grey levels 0..255.
    """
    x = scans.float()[:, None] / 255.0
    background = _background(x)
    x = functional.grid_sample(x - background, _grid(params.geometry, x.shape[-1]), align_corners=False) + background
    x = _blur(x, params.blur)
    x = _grey(x, params.grey)
    x = _noise(x, params.noise, generator)
    x = _frame(x, params, background)
    return x.clamp(0.0, 1.0) * 255.0


def view(scans: Tensor, strength: Strength, generator: torch.Generator) -> Tensor:
    """One random view of each scan: uint8 [N, S, S] to float32 [N, 1, S, S] in 0..255."""
    return apply(scans, sample(scans.shape[0], strength, generator), generator)


def _background(x: Tensor) -> Tensor:
    few = x[:, :, ::4, ::4].flatten(1)
    return few.kthvalue(max(1, int(few.shape[1] * _BACKGROUND_PERCENTILE)), dim=1).values[:, None, None, None]


def _grid(geometry: Tensor, size: int) -> Tensor:
    flip, scale_x, scale_y, shift_x, shift_y, tilt, curve = (column[:, None, None] for column in geometry.unbind(1))
    axis = (torch.arange(size) * 2 + 1) / size - 1
    v, u = torch.meshgrid(axis, axis, indexing="ij")
    x = flip * (u * scale_x + shift_x)
    y = v * scale_y + shift_y + tilt * u + curve * u * u
    return torch.stack([x.expand_as(y), y], dim=-1)


def _blur(x: Tensor, sigma_px: Tensor) -> Tensor:
    count, size = x.shape[0], x.shape[-1]
    offsets = torch.arange(_BLUR_TAPS) - _BLUR_TAPS // 2
    taps = torch.exp(-0.5 * (offsets[None] / sigma_px.clamp(min=0.05)[:, None]) ** 2)
    taps = taps / taps.sum(dim=1, keepdim=True)
    pad = _BLUR_TAPS // 2
    rows = functional.pad(x.view(1, count, size, size), (pad, pad, pad, pad), mode="reflect")
    rows = functional.conv2d(rows, taps[:, None, :, None], groups=count)
    rows = functional.conv2d(rows, taps[:, None, None, :], groups=count)
    return rows.view(count, 1, size, size)


def _grey(x: Tensor, grey: Tensor) -> Tensor:
    gain, gamma, offset = (column[:, None, None, None] for column in grey.unbind(1))
    return (x.clamp(1e-4, 1.0) ** gamma * gain + offset).clamp(0.0, 1.2)


def _noise(x: Tensor, noise: Tensor, generator: torch.Generator) -> Tensor:
    """Multiplicative speckle, correlated by half a pixel sideways as averaging leaves it, and additive detector noise."""
    speckle, additive = (column[:, None, None, None] for column in noise.unbind(1))
    white = torch.randn(x.shape, generator=generator)
    correlated = (white + white.roll(1, dims=3)) / math.sqrt(2.0)
    return x * (1.0 + speckle * correlated) + additive * white.roll(1, dims=2)


def _frame(x: Tensor, params: Params, background: Tensor) -> Tensor:
    """Wedges, painted in background as the preprocessing paints them, and black bars at the sides."""
    size = x.shape[-1]
    across = torch.linspace(0.0, 1.0, size)
    left, right = params.wedge[:, 0, None], params.wedge[:, 1, None]
    height = (left + (right - left) * across)[:, None, None, :]
    depth = torch.linspace(0.0, 1.0, size)[None, None, :, None]
    depth = torch.where(params.top[:, None, None, None], depth, 1.0 - depth)
    x = torch.where(depth < height, background, x)
    bars = params.bars[:, :, None, None, None]
    column = across[None, None, None, :]
    return torch.where((column < bars[:, 0]) | (column > 1.0 - bars[:, 1]), torch.zeros(()), x)
