"""The results of suite `phantom` as Markdown and as a picture."""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from lambda_src.model.manifest import CLASSES

WEIGHT_GROUPS = ("class weights", "no class weights")
PUBLISHED = (("SimCLR, 1 % of the labels (about 840)", 0.875), ("SimCLR, 10 % of the labels (about 8,400)", 0.971))
"""What the older application published, on the official test split of the public set; none of it was trained here."""

Result = dict[str, Any]


def report(results: Sequence[Result]) -> str:
    """All tables, as Markdown; a table without a result is left out."""
    pair = [result for result in results if result["group"] in WEIGHT_GROUPS]
    others = [result for result in results if result["group"] not in WEIGHT_GROUPS]
    parts = [_main_table(others), _published_table()] if others else []
    parts += [_weights_table(pair)] if pair else []
    return "\n\n".join(parts)


COLUMNS = (
    "row",
    "initial weights",
    "labelled phantoms",
    "images seen (SimCLR + labelled)",
    "rate",
    "accuracy, held-out phantoms",
    "accuracy, real scans",
    "macro recall, real scans",
    "minutes",
)


def _main_table(results: Sequence[Result]) -> str:
    rows = [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    for result in results:
        real, seen = result["real"], result["images_seen"]
        there = f"{_interval(real['accuracy'])} | {_percent(real['macro_recall'])}" if real else " | "
        rows.append(
            f"| {result['group']} | {result['weights']} | {result['labels']} | {seen['simclr']} + {seen['labelled']} "
            f"| {result['rate']:g} | {_interval(result['phantoms']['accuracy'])} | {there} | {result['seconds'] / 60:.1f} |"
        )
    return "\n".join(rows)


def _weights_table(results: Sequence[Result]) -> str:
    rows = [
        f"| imbalanced set | scored on | seeds | macro recall, mean (sd) | {' | '.join(CLASSES)} |",
        "|" + "---|" * (4 + len(CLASSES)),
    ]
    for group in WEIGHT_GROUPS:
        own = [result for result in results if result["group"] == group]
        for part, name in (("phantoms", "held-out phantoms"), ("real", "real scans")):
            scores = [result[part] for result in own if result[part]]
            if scores:
                macro = _spread([score["macro_recall"] for score in scores])
                recalls = [_percent(statistics.fmean(s["recall"][label]["value"] for s in scores)) for label in CLASSES]
                rows.append(f"| {group} | {name} | {len(scores)} | {macro} | {' | '.join(recalls)} |")
    return "\n".join(rows)


def _published_table() -> str:
    head = ["Published by the older application, not trained here:", "", "| theirs | official test split |", "|---|---|"]
    return "\n".join([*head, *(f"| {name} | {_percent(value)} |" for name, value in PUBLISHED)])


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _interval(share: dict[str, float]) -> str:
    return f"{_percent(share['value'])} [{100 * share['low']:.1f}, {100 * share['high']:.1f}]"


def _spread(values: list[float]) -> str:
    sd = f" ({100 * statistics.stdev(values):.1f})" if len(values) > 1 else ""
    return _percent(statistics.fmean(values)) + sd


def plot(results: Sequence[Result], path: Path) -> None:
    """Accuracy of each row with its 95 % interval, on phantoms and on real scans; written as PNG."""
    figure = Figure(figsize=(8, 1.2 + 0.4 * len(results)), layout="constrained")
    axes = figure.add_subplot()
    for part, name, shift in (("phantoms", "held-out phantoms", -0.12), ("real", "real scans", 0.12)):
        shown = [(place, result[part]["accuracy"]) for place, result in enumerate(results) if result[part]]
        if shown:
            values = [100 * share["value"] for _, share in shown]
            below = [100 * (share["value"] - share["low"]) for _, share in shown]
            above = [100 * (share["high"] - share["value"]) for _, share in shown]
            places = [place + shift for place, _ in shown]
            axes.errorbar(values, places, xerr=[below, above], fmt="o", capsize=3, label=name)
    names = [f"{result['group']}{_seed(result)}, from {result['weights']}" for result in results]
    axes.set_yticks(range(len(results)), names)
    axes.invert_yaxis()
    axes.set_xlabel("accuracy, %")
    axes.grid(axis="x", alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)


def _seed(result: Result) -> str:
    return f", seed {result['seed']}" if result["group"] in WEIGHT_GROUPS else ""
