"""The release gate: a bundle replaces the one in use only if it is worse in nothing that counts, or somebody says why.

`python -m training.gate --bundle NEW --into model_artifacts [--accept-regression REASON]`
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lambda_src.classifier import load_classifier
from lambda_src.errors import OctError
from lambda_src.model.manifest import MANIFEST_FILE, Manifest
from training.errors import TrainingError

ALLOWANCE = 0.002
"""By how much a gate metric may fall: one scan in 500."""


def gate_metrics(result: Mapping[str, Any]) -> dict[str, float]:
    """The figures that the gate compares, by name, higher is better; from an evaluation's or a fold-wise result."""
    recall = {f"recall {name}": float(value["value"]) for name, value in result["recall"].items()}
    return {"accuracy": float(result["top_class_accuracy"]["value"]), **recall}


def regressions(new: Manifest, old: Manifest) -> list[str]:
    """What is worse in the new bundle, in words; a gate metric that the new one lacks counts as worse."""
    before, after = old.metrics.get("gate", {}), new.metrics.get("gate", {})
    worse = []
    for name, value in before.items():
        if name not in after:
            worse.append(f"{name}: {value:.4f} before, not measured now")
        elif after[name] < value - ALLOWANCE:
            worse.append(f"{name}: {value:.4f} before, {after[name]:.4f} now")
    return worse


def release(bundle: Path, into: Path, *, accept_regression: str | None = None) -> list[str]:
    """Put a bundle in the place of the one in use.

    Args:
        bundle: the new bundle; it must load as serving loads it.
        into: the folder of the bundle in use; may be empty.
        accept_regression: why a worse figure is accepted; the model card prints it.

    Returns:
        The accepted regressions.

    Raises:
        TrainingError: a gate metric is worse and nobody said why.
        BundleRefused: the new bundle does not load.
    """
    from training.bundle_writer import copy_bundle  # noqa: PLC0415 (the gate's figures are used where phantoms are not)

    new = load_classifier(bundle).manifest
    worse = regressions(new, _manifest_of(into)) if (into / MANIFEST_FILE).is_file() else []
    if worse and not accept_regression:
        listed = "\n  ".join(worse)
        raise TrainingError(f"worse than the bundle in use; give --accept-regression REASON to take it all the same:\n  {listed}")
    note = {"accepted_regression": {"reason": accept_regression, "figures": "; ".join(worse)}} if worse else {}
    copy_bundle(bundle, into, metrics=note)
    return worse


def _manifest_of(folder: Path) -> Manifest:
    return Manifest.model_validate_json((folder / MANIFEST_FILE).read_bytes())


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.gate", description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True, help="the new bundle")
    parser.add_argument("--into", type=Path, required=True, help="folder of the bundle in use")
    parser.add_argument("--accept-regression", metavar="REASON", help="why a worse figure is accepted")
    options = parser.parse_args(arguments)
    try:
        worse = release(options.bundle, options.into, accept_regression=options.accept_regression)
    except (TrainingError, OctError, OSError, ValueError) as error:
        sys.stderr.write(f"gate: {error}\n")
        return 1
    sys.stdout.write(f"released into {options.into}" + "".join(f"\n  accepted: {line}" for line in worse) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
