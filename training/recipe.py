"""Everything a training is told, in one frozen record: from the command line, or from SageMaker's hyperparameters."""

import argparse
import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from training.errors import TrainingError

_FITTED_AFTER = frozenset(
    {"name", "version", "held_out", "outliers", "deferred", "urgent_factor", "looked_at", "localiser_scans", "localiser_steps"}
)


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of one training. Sizes in px, epochs over the drawn (or real) scans, rates of the AdamW optimiser."""

    name: str = "oct-lite0"
    version: str = "0.1.0"
    seed: int = 1
    encoder: str = "lite0"
    init: str = "imagenet"
    size: int = 128
    batch: int = 32
    phantoms: int = 6000
    first_phantom: int = 0
    epochs: int = 4
    rate: float = 1e-3
    views: str = "strong"
    frozen: int = 3
    pretrain_pairs: int = 0
    pretrain_epochs: int = 2
    pretrain_rate: float = 5e-4
    pretrain_temperature: float = 0.2
    pretrain_batch: int = 64
    pretrain_optimiser: str = "adamw"
    lars_rate: float = 0.075
    """LARS's rate for one scan a step; it grows with the root of their number (Chen et al. 2020, appendix B.1)."""
    beside_steps: int = 150
    beside_rate: float = 3e-4
    beside_weight: float = 0.3
    real_steps: int = 120
    real_rate: float = 2e-4
    real_share: float = 0.5
    real_frozen: int = 5
    real_views: int = 12
    real_repeats: int = 1
    real_ema: float = 0.99
    class_weights: bool = True
    smoothing: float = 0.05
    urgent_factor: float = 3.0
    dropout: float = 0.2
    weight_decay: float = 0.02
    ema: float = 0.998
    localiser_scans: int = 3000
    """Phantoms whose drawn lesions teach the heat maps."""
    localiser_steps: int = 400
    held_out: int = 1200
    outliers: int = 600
    deferred: float = 0.05
    """Largest share of scans like those it is fitted on that may be deferred; the sets' error rate is chosen by it."""
    looked_at: bool = False
    """Whether the scans of `--evaluate` were looked at while the generator or the recipe was improved; their figures say so."""

    def key(self) -> str:
        """Digest of the fields that the weights depend on: two trainings with the same key may share checkpoints."""
        fields = {name: value for name, value in dataclasses.asdict(self).items() if name not in _FITTED_AFTER}
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:12]


SMOKE: dict[str, Any] = {
    "size": 64,
    "phantoms": 800,
    "epochs": 5,
    "batch": 16,
    "frozen": 5,
    "ema": 0.98,
    "pretrain_pairs": 128,
    "pretrain_epochs": 1,
    "localiser_scans": 240,
    "localiser_steps": 40,
    "held_out": 240,
    "outliers": 120,
    "version": "0.0.0",
    "name": "oct-lite0-smoke",
    "deferred": 0.2,
}
"""Changes that make a training small enough for a check on two cores, by the same path."""


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return text.lower() in ("true", "1")


_PARSERS: dict[Any, Any] = {bool: _boolean}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One option for each field, absent unless given."""
    for field in dataclasses.fields(Recipe):
        option = "--" + field.name.replace("_", "-")
        kind = _PARSERS.get(field.type, field.type)
        parser.add_argument(option, dest=field.name, type=kind, default=argparse.SUPPRESS, help=f"default {field.default}")


def make_recipe(given: Mapping[str, Any], *, smoke: bool = False) -> Recipe:
    """A recipe from the given values over the defaults.

    Raises:
        TrainingError: an unknown name, or a value of the wrong type or range.
    """
    known = {field.name: field for field in dataclasses.fields(Recipe)}
    if unknown := sorted(set(given) - set(known)):
        raise TrainingError(f"unknown hyperparameters {unknown}; known: {', '.join(known)}")
    values = dict(SMOKE) if smoke else {}
    for name, value in given.items():
        kind: Any = known[name].type
        try:
            values[name] = _PARSERS.get(kind, kind)(value) if isinstance(value, str) else kind(value)
        except (ValueError, argparse.ArgumentTypeError) as error:
            raise TrainingError(f"hyperparameter {name} = {value!r} is no {kind.__name__}") from error
    recipe = Recipe(**values)
    _check(recipe)
    return recipe


def _check(recipe: Recipe) -> None:
    if recipe.size % 32 or recipe.size < 64:
        raise TrainingError(f"size = {recipe.size}; it must be a multiple of 32, at least 64")
    if recipe.batch < 2 or recipe.pretrain_batch < 2:
        raise TrainingError("batch and pretrain_batch must be at least 2, for batch norm")
    if not 0.0 <= recipe.real_share <= 1.0 or not 0.0 <= recipe.deferred < 1.0:
        raise TrainingError("real_share and deferred must lie within 0..1")
    if recipe.phantoms < 4 or recipe.held_out < 40 or recipe.outliers < 20:
        raise TrainingError("at least 4 phantoms, 40 held out and 20 outliers are needed")
