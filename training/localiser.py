"""Where the lesion is: a small decoder on the classifier's own features, taught by the lesions that the generator drew.

The classifier's own maps (Zhou et al. 2016) say where it took its evidence from, which for drusen is the retina above them: their
peak fell into the druse in 14 % of drawn scans. This says where the lesion lies, by features of three depths (Lin et al. 2017,
"Feature pyramid networks", section 3), in the same run of the graph. It changes no weight of the classifier and no answer.
"""

import hashlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from lambda_src.model.manifest import CLASSES
from training.checkpoint import StopSignal, seed_for
from training.data import ScanSet, drawn
from training.distributed import host_first, wrapped
from training.loop import Schedule, Stage, optimise
from training.network import Encoder, Network, standardise
from training.recipe import Recipe
from training.sampling import order_at

LESIONS = tuple(name for name in CLASSES if name != "NORMAL")
_WIDTH = 32
_RATE = 3e-3
_BATCH = 16


def pyramid(encoder: Encoder, standard: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Feature maps of standardised scans [N, 1, S, S] at output strides 8 and 16, and the encoder's last ones [N, F, h, w]."""
    taken, maps = [], encoder.stem(standard)
    for number, block in enumerate(encoder.blocks):
        maps = block(maps)
        if number in encoder.taps:
            taken.append(maps)
    fine, middle = taken
    return fine, middle, getattr(encoder, "head", nn.Identity())(maps)


class Localiser(nn.Module):
    """Feature maps of `pyramid` to logits of the share of each cell that is a lesion of each of LESIONS, [N, 3, S / 8, S / 8]."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        channels = (*encoder.tap_channels, encoder.features)
        self.reduce = nn.ModuleList(nn.Conv2d(count, _WIDTH, 1) for count in channels)
        self.out = nn.Conv2d(_WIDTH, len(LESIONS), 3, padding=1)

    def forward(self, fine: Tensor, middle: Tensor, last: Tensor) -> Tensor:
        """See the class."""
        parts = [reduce(maps) for reduce, maps in zip(self.reduce, (fine, middle, last), strict=True)]
        size = parts[0].shape[2:]
        wide = [functional.interpolate(part, size, mode="bilinear", align_corners=False) for part in parts[1:]]
        logits: Tensor = self.out(functional.relu6(parts[0] + wide[0] + wide[1]))
        return logits


def teach(
    network: Network,
    phantoms: ScanSet,
    seeds: range,
    recipe: Recipe,
    *,
    cache: Path,
    checkpoint: Path | None = None,
    stop: StopSignal | None = None,
) -> Localiser:
    """Teach a localiser on the features of a network that stays as it is.

    Args:
        network: as it will be exported (`dense`).
        phantoms: at least `recipe.localiser_scans` of them are taken, in their order, drawn by
        seeds: one a phantom.
        recipe: localiser_scans, localiser_steps, size, seed.
        cache: folder of drawn sets.
        checkpoint: file for resuming.
        stop: SIGTERM.
    """
    count = min(recipe.localiser_scans, len(phantoms))
    with host_first():
        lesions = drawn("lesion", seeds[:count], recipe.size, cache=cache)
    torch.manual_seed(seed_for(recipe.seed, "localiser"))
    localiser = Localiser(network.encoder)
    forward = wrapped(localiser)
    network.eval()

    def loss_of(step: int) -> Tensor:
        chosen = order_at(step, _BATCH, count, seed=recipe.seed, salt="localiser")
        scans = torch.from_numpy(phantoms.pixels[chosen])[:, None]
        target = _targets(lesions[chosen], phantoms.labels[chosen])
        if step % 2:  # as a bundle reads every scan: both ways
            scans, target = scans.flip(3), target.flip(3)
        with torch.no_grad():
            maps = pyramid(network.encoder, standardise(scans).contiguous(memory_format=torch.channels_last))
        return functional.binary_cross_entropy_with_logits(forward(*maps), target)

    schedule = Schedule(recipe.localiser_steps, _RATE, recipe.weight_decay, ema=0.98)
    weights = hashlib.sha256(network.head.weight.detach().numpy().tobytes()).hexdigest()[:12]  # another start is another decoder
    key = f"{recipe.key()}-{recipe.localiser_scans}-{recipe.localiser_steps}-{weights}"
    optimise(localiser, loss_of, schedule, Stage("localiser", key, checkpoint, stop))
    return localiser


def _targets(lesions: NDArray[np.uint8], labels: NDArray[np.int64]) -> Tensor:
    """Shares [N, 3, h, w]: a drawn lesion belongs to the class of its scan."""
    shares = torch.from_numpy(lesions.astype(np.float32) / 255.0)
    of_class = [torch.from_numpy(labels == CLASSES.index(name)) for name in LESIONS]
    return torch.stack([shares * mask[:, None, None] for mask in of_class], dim=1)
