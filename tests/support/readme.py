"""The README's figures, from bundles' manifests and tables of results: `python -m tests.support.readme` writes them anew."""

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
MARKED = re.compile(r"(<!-- figures of ([\w/.]+): begin -->\n).*?(<!-- figures: end -->)", re.DOTALL)
COMMAND = "python -m training.evaluate --bundle BUNDLE --data DIR"


def figures(manifest: dict[str, Any]) -> str:
    """What was measured on real scans, with 95 % intervals, or that nothing was."""
    metrics, trained_on = manifest["metrics"], manifest["training"]
    measured = metrics.get("evaluation") or metrics.get("out_of_fold")
    name = f"`{manifest['name']}` {manifest['version']}"
    real = len(trained_on["real_images_sha256"])
    source = f"{real:,} real scans and drawn phantoms" if real else "drawn phantoms alone, no patient's scan"
    if measured is None:
        return f"{name}, trained on {source}, has not been measured on real scans.\n"
    how = _cross_validated(measured) if "out_of_fold" in metrics else _held_out(measured)
    rows = [
        ("accuracy of the most probable class", measured["top_class_accuracy"]),
        *((f"recall of {label}", value) for label, value in measured["recall"].items()),
        ("share that is answered", measured["answered"]),
        ("accuracy where answered", measured["accuracy_answered"]),
        ("true class in the prediction set", measured["coverage"]),
    ]
    table = "\n".join(f"| {what} | {_percent(value)} |" for what, value in rows)
    return f"{name}, trained on {source}; {how}; 95 % intervals by patient:\n\n| | |\n|---|---|\n{table}\n"


def _held_out(measured: dict[str, Any]) -> str:
    looked = ", but whose errors were looked at while the phantoms were improved" if measured.get("looked_at") else ""
    scans = f"{measured['scans']} real scans of {measured['patients']} patients"
    return f"measured on {scans}, none of which\ntrained it{looked}\n(`{COMMAND}`)"


def _cross_validated(measured: dict[str, Any]) -> str:
    return (
        f"measured out of fold on these {measured['scans']} scans of\n{measured['patients']} patients "
        f"({measured['repeats']} times 5 folds by patient: each scan read by weights, and judged by thresholds, that saw no\n"
        "scan of its patient; the released weights are the mean of all these runs, and no scan is left to score them on)"
    )


def with_figures(text: str) -> str:
    """The README with its marked parts, each of a bundle or of a table of results, written anew."""

    def block(match: re.Match[str]) -> str:
        source = ROOT / match[2]
        table = source.read_text() if source.suffix == ".md" else figures(json.loads((source / "manifest.json").read_bytes()))
        return match[1] + table + match[3]

    return MARKED.sub(block, text)


def _percent(value: dict[str, float]) -> str:
    return f"{value['value']:.1%} [{value['low']:.1%}, {value['high']:.1%}]"


if __name__ == "__main__":
    README.write_text(with_figures(README.read_text()))
