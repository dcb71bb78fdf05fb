"""The command of the benchmark: every row is trained, none typed in; run it again to go on where it stopped."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lambda_src.errors import OctError
from training.adapt import read_labelled
from training.benchmark import phantom, phantom_report, real
from training.benchmark.plot import plot
from training.benchmark.rows import Row, finished, picked, run_rows, summary, table
from training.drawing import draw
from training.environment import DEFAULT_CACHE
from training.errors import TrainingError
from training.pipeline import revision
from training.recipe import add_arguments, make_recipe

OWN = ("suite", "data", "weights", "out", "cache", "rows", "simclr", "full")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.benchmark", description=__doc__)
    parser.add_argument("--suite", choices=tuple(SUITES), required=True)
    parser.add_argument("--data", type=Path, help="labelled real scans; suite phantom scores on them and trains on none")
    parser.add_argument("--weights", type=Path, help="suite real: finetune.pt of a training on phantoms")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE, help="folder for drawn phantoms")
    parser.add_argument("--rows", default="*", metavar="PATTERN", help="train these alone, such as 'ResNet*'")
    parser.add_argument("--simclr", action="store_true", help="suite real: also SimCLR on unlabelled real scans (slow)")
    parser.add_argument("--full", action="store_true", help="suite phantom: sizes of the real thing, for a big machine")
    add_arguments(parser)
    return parser


def _phantom(own: dict[str, Any], given: dict[str, Any], command: str) -> str:
    recipe = make_recipe({**(phantom.FULL if own["full"] else phantom.SIZES), **given})
    setting = phantom.draw_phantoms(recipe, own["data"], own["cache"])
    rows = phantom.rows(setting)
    _refuse_other_settings(rows, own["out"], setting.facts())
    provenance = {"command": command, "revision": revision()}
    run_rows(picked(rows, own["rows"]), own["out"], provenance=provenance)
    results = finished(rows, own["out"])
    _write(own["out"], results, provenance)
    phantom_report.plot(results, own["out"] / "summary.png")
    return phantom_report.report(results)


def _refuse_other_settings(rows: Sequence[Row], out: Path, facts: dict[str, Any]) -> None:
    """One table holds results of one setting.

    Raises:
        TrainingError: the folder holds a result of another one.
    """
    for result in finished(rows, out):
        if result["setting"] != facts:
            raise TrainingError(
                f"{out} holds a result of other settings, row {result['group']!r}: {result['setting']}, now {facts}; "
                "give another --out folder"
            )


def _real(own: dict[str, Any], given: dict[str, Any], command: str) -> str:
    if own["data"] is None or own["weights"] is None:
        raise TrainingError("suite real needs --data FOLDER and --weights FILE")
    recipe = make_recipe(given)
    setting = real.Setting(read_labelled(own["data"], recipe.size), draw(recipe, own["cache"]), recipe, own["weights"])
    rows = real.rows(setting, simclr=own["simclr"])
    provenance = {"command": command, "revision": revision(), "recipe": recipe.key()}
    run_rows(picked(rows, own["rows"]), own["out"], provenance=provenance)
    lines = summary(finished(rows, own["out"]))
    _write(own["out"], lines, provenance)
    plot(lines, own["out"] / "summary.png")
    return table(lines)


def _write(out: Path, lines: list[dict[str, Any]], provenance: dict[str, Any]) -> None:
    (out / "summary.json").write_text(json.dumps({"rows": lines, **provenance}, indent=1) + "\n")


SUITES = {"phantom": _phantom, "real": _real}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    options = vars(_parser().parse_args(arguments))
    own = {name: options.pop(name) for name in OWN}
    words = sys.argv[1:] if arguments is None else list(arguments)
    command = " ".join(["python -m training.benchmark", *(Path(w).name if "/" in w else w for w in words)])
    try:
        text = SUITES[own["suite"]](own, options, command)
    except (TrainingError, OctError) as error:
        sys.stderr.write(f"benchmark: {error}\n")
        return 1
    (own["out"] / "summary.md").write_text(text + "\n")
    sys.stdout.write(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
