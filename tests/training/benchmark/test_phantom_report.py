from pathlib import Path
from typing import Any

from training.benchmark.phantom_report import plot, report


def _score(value: float) -> dict[str, Any]:
    share = {"value": value, "low": value - 0.05, "high": value + 0.04}
    recall = {name: {**share, "value": value - 0.1 * index} for index, name in enumerate(("CNV", "DME", "DRUSEN", "NORMAL"))}
    return {"accuracy": share, "macro_recall": value, "recall": recall}


def _result(group: str, value: float, *, seed: int = 1, real: bool = True) -> dict[str, Any]:
    facts = {"group": group, "weights": "random", "labels": 16, "rate": 1e-3, "seconds": 90.0, "seed": seed}
    seen = {"simclr": 3200, "labelled": 3200}
    return {**facts, "images_seen": seen, "phantoms": _score(value), "real": _score(value - 0.2) if real else None}


def test_rows_are_shown_with_weights_and_intervals() -> None:
    text = report([_result("SimCLR 1", 0.9), _result("VGG16", 0.5, real=False)])
    row = "| SimCLR 1 | random | 16 | 3200 + 3200 | 0.001 | 90.0 % [85.0, 94.0] | 70.0 % [65.0, 74.0] | 70.0 % | 1.5 |"
    assert row in text
    assert "| VGG16 | random | 16 | 3200 + 3200 | 0.001 | 50.0 % [45.0, 54.0] |  |  | 1.5 |" in text
    columns = {line.count("|") for line in text.splitlines()[:4]}
    assert len(columns) == 1


def test_class_weights_are_a_table_of_means_over_seeds() -> None:
    results = [_result("class weights", 0.8), _result("class weights", 0.9, seed=2), _result("no class weights", 0.7)]
    text = report(results)
    assert "| class weights | held-out phantoms | 2 | 85.0 % (7.1) | 85.0 % | 75.0 % | 65.0 % | 55.0 % |" in text
    assert "| class weights | real scans | 2 | 65.0 % (7.1) |" in text
    assert "| no class weights | held-out phantoms | 1 | 70.0 % |" in text
    assert "initial weights" not in text


def test_published_figures_stand_apart() -> None:
    own, theirs = report([_result("SimCLR 1", 0.9)]).split("not trained here")
    assert "87.5 %" in theirs
    assert "97.1 %" in theirs
    assert "87.5" not in own


def test_plot(tmp_path: Path) -> None:
    plot([_result("VGG16", 0.5, real=False), _result("class weights", 0.8)], tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
