import json
from pathlib import Path
from typing import Any

import pytest

from training.benchmark.plot import plot
from training.benchmark.rows import Row, run_rows, summary, table


def _rows(trained: list[int], *, break_at: int | None = None) -> list[Row]:
    def run(draw: int) -> dict[str, Any]:
        if draw == break_at:
            raise KeyboardInterrupt
        trained.append(draw)
        return {"accuracy": 0.9 + draw / 100}

    facts = {"start": "phantoms", "labels": 40}
    return [Row("phantoms 40", draw, facts, lambda draw=draw: run(draw)) for draw in range(3)]  # type: ignore[misc]


def test_rows_are_trained_once_and_resume(tmp_path: Path) -> None:
    trained: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        run_rows(_rows(trained, break_at=2), tmp_path, provenance={"revision": "abc"})
    results = run_rows(_rows(trained), tmp_path, provenance={"revision": "def"})
    assert trained == [0, 1, 2]
    assert [result["revision"] for result in results] == ["abc", "abc", "def"]
    assert json.loads((tmp_path / "phantoms_40-1.json").read_text())["accuracy"] == pytest.approx(0.91)


def test_summary_table_and_plot(tmp_path: Path) -> None:
    lines = summary(run_rows(_rows([]), tmp_path, provenance={}))
    assert lines == [
        {"group": "phantoms 40", "start": "phantoms", "labels": 40, "draws": 3, "mean": 0.91, "sd": pytest.approx(0.01)}
    ]
    other = {"group": "phantoms 0", "start": "phantoms", "labels": 0, "draws": 1, "mean": 0.9, "sd": None}
    assert table([*lines, other]).splitlines() == [
        "| accuracy, mean % (sd) | 0 labels | 40 labels |",
        "| --- | --- | --- |",
        "| phantoms | 90.0 | 91.0 (1.0) |",
    ]
    plot(lines, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
