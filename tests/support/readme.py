"""The README's figures of the model, written from its manifest: `python -m tests.support.readme` brings them up to date."""

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
MARKED = re.compile(r"(<!-- model figures: begin -->\n).*(<!-- model figures: end -->)", re.DOTALL)
COMMAND = "python -m training.evaluate --bundle model_artifacts --data DIR"


def figures(manifest: dict[str, Any]) -> str:
    """The marked part's text: what was measured on real scans, with 95 % intervals, or that nothing was."""
    metrics, trained_on = manifest["metrics"], manifest["training"]
    measured = metrics.get("evaluation")
    name = f"`{manifest['name']}` {manifest['version']}"
    real = len(trained_on["real_images_sha256"])
    source = f"{real:,} real scans and drawn phantoms" if real else "drawn phantoms alone, no patient's scan"
    if measured is None:
        return f"{name}, trained on {source}, has not been measured on real scans.\n"
    scans = f"{measured['scans']} real scans of {measured['patients']} patients"
    looked = ", but whose errors were looked at while the phantoms were improved" if measured.get("looked_at") else ""
    rows = [
        ("accuracy of the most probable class", measured["top_class_accuracy"]),
        *((f"recall of {label}", value) for label, value in measured["recall"].items()),
        ("share that is answered", measured["answered"]),
        ("accuracy where answered", measured["accuracy_answered"]),
        ("true class in the prediction set", measured["coverage"]),
    ]
    table = "\n".join(f"| {what} | {_percent(value)} |" for what, value in rows)
    return (
        f"{name}, trained on {source}; measured on {scans}, none of which\n"
        f"trained it{looked} (`{COMMAND}`;\n95 % intervals by patient):\n\n| | |\n|---|---|\n{table}\n\n"
        "One public data set, one scanner's protocol: expect less elsewhere. More, and what it can't do, in\n"
        "`model_artifacts/MODEL_CARD.md`.\n"
    )


def with_figures(text: str, manifest: dict[str, Any]) -> str:
    """The README with its marked part written anew."""
    return MARKED.sub(lambda match: match[1] + figures(manifest) + match[2], text)


def _percent(value: dict[str, float]) -> str:
    return f"{value['value']:.1%} [{value['low']:.1%}, {value['high']:.1%}]"


if __name__ == "__main__":
    bundle = json.loads((ROOT / "model_artifacts" / "manifest.json").read_bytes())
    README.write_text(with_figures(README.read_text(), bundle))
