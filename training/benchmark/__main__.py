"""The command of the benchmark: every row is trained, none typed in; run it again to go on where it stopped."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from lambda_src.errors import OctError
from training.adapt import read_labelled
from training.benchmark.plot import plot
from training.benchmark.real import Setting, rows
from training.benchmark.rows import run_rows, summary, table
from training.drawing import draw
from training.environment import DEFAULT_CACHE
from training.errors import TrainingError
from training.pipeline import revision
from training.recipe import add_arguments, make_recipe

SUITES = ("real",)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.benchmark", description=__doc__)
    parser.add_argument("--suite", choices=SUITES, required=True)
    parser.add_argument("--data", type=Path, required=True, help="labelled real scans")
    parser.add_argument("--weights", type=Path, required=True, help="finetune.pt of a training on phantoms")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE, help="folder for drawn phantoms")
    parser.add_argument("--simclr", action="store_true", help="also the rows with SimCLR on unlabelled real scans (slow)")
    add_arguments(parser)
    options = vars(parser.parse_args(arguments))
    own = {name: options.pop(name) for name in ("suite", "data", "weights", "out", "cache", "simclr")}
    try:
        recipe = make_recipe(options)
        setting = Setting(read_labelled(own["data"], recipe.size), draw(recipe, own["cache"]), recipe, own["weights"])
        words = sys.argv[1:] if arguments is None else list(arguments)
        command = " ".join(["python -m training.benchmark", *(Path(w).name if "/" in w else w for w in words)])
        provenance = {"command": command, "revision": revision(), "recipe": recipe.key()}
        lines = summary(run_rows(rows(setting, simclr=own["simclr"]), own["out"], provenance=provenance))
    except (TrainingError, OctError) as error:
        sys.stderr.write(f"benchmark: {error}\n")
        return 1
    (own["out"] / "summary.json").write_text(json.dumps({"rows": lines, **provenance}, indent=1) + "\n")
    plot(lines, own["out"] / "summary.png")
    sys.stdout.write(table(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
