"""The README's figures, from bundles' manifests and tables of results: `python -m tests.support.readme` writes them anew."""

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
MARKED = re.compile(r"(<!-- figures of ([\w/.]+): begin -->\n).*?(<!-- figures: end -->)", re.DOTALL)
BESIDE = {
    "deferred": "share that is deferred to a person",
    "weighted_error": "weighted error by Kermany's penalties (six experts: 4.8%)",
}
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
    beside = {**metrics.get("report", {}), **measured}
    how = _cross_validated(measured) if "out_of_fold" in metrics else _held_out(measured)
    rows = [
        ("accuracy of the most probable class", measured["top_class_accuracy"]),
        *((f"recall of {label}", value) for label, value in measured["recall"].items()),
        ("share that is answered", measured["answered"]),
        ("accuracy where answered", measured["accuracy_answered"]),
        (f"true class in the prediction set ({manifest['conformal']['coverage']:.1%} stated)", measured["coverage"]),
        *((what, beside[key]) for key, what in BESIDE.items() if key in beside),
    ]
    table = "\n".join(f"| {what} | {_percent(value)} |" for what, value in rows)
    table = f"{name}, trained on {source}; {how}; 95 % intervals by patient:\n\n| | |\n|---|---|\n{table}\n"
    return table + (f"\n{_drawn(metrics['report'])}" if "report" in metrics else "")


def _drawn(report: dict[str, Any]) -> str:
    """What it makes of pictures that are no scan of the four classes, and where its heat maps point."""
    kinds: dict[str, list[dict[str, Any]]] = {"far": [], "near": []}
    for row in report["outliers"].values():
        kinds[row["kind"]].append(row)
    far, near = (max(rows, key=lambda row: float(row["answered"]["value"])) for rows in kinds.values())
    pointed = report["pointing"]["all"]
    sentences = (
        f"Of {far['pictures']} pictures of each of {len(kinds['far'])} kinds that are no macular B-scan, at most",
        f"{_percent(far['answered'])} of a kind are answered; of {near['pictures']} drawn scans of each of {len(kinds['near'])}",
        f"diseases outside the classes, at most {_percent(near['answered'])}. The heat map peaks in the lesion, or within 50 um",
        f"of it, in {_percent(pointed['peak'])} of drawn scans; the picture's centre is in {_percent(pointed['centre'])}.",
    )
    return "\n".join(sentences) + "\n"


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
