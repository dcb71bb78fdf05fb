"""Has what a bundle sees drifted? `python -m training.monitor --bundle DIR (--findings PATH... | --data FOLDER) [--out FOLDER]`.

For a cron job: the exit code is 0 where nothing has drifted, 2 where something has, and 1 where nothing could be compared, which
standard error explains. No output holds a scan's name, id or hash.
"""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from lambda_src.classifier import load_classifier
from lambda_src.errors import OctError
from lambda_src.model.manifest import Manifest, Reference
from training.drift import LEAST, LEVEL, Change, Sample, changes
from training.errors import TrainingError
from training.findings import Period, gather, in_files, in_scans, words

STEADY, FAILED, DRIFTED = 0, 1, 2
_DIGITS = 6


@dataclass(frozen=True)
class Monitored:
    """A sample, how many scans were left out of it and why, the reference, and the changes between the two."""

    manifest: Manifest
    reference: Reference
    sample: Sample
    left_out: dict[str, int]
    per_patient: float
    changes: list[Change]

    @property
    def drift(self) -> bool:
        """Whether anything has drifted."""
        return any(change.drift for change in self.changes)


def monitor(
    bundle: Path,
    *,
    findings: Sequence[Path] = (),
    data: Path | None = None,
    period: Period | None = None,
    per_patient: float = 1.0,
) -> Monitored:
    """Compare findings, or the scans of a folder, with the bundle's reference.

    Args:
        bundle: a bundle's folder.
        findings: files and folders; see `training.findings.in_files`.
        data: a folder of scans instead, which the bundle reads.
        period: of the findings.
        per_patient: how many scans a patient has on average; see `training.drift.changes`.

    Raises:
        TrainingError: the bundle has no reference, or there are too few findings, or a place holds something else.
        BundleRefused: the bundle does not load.
    """
    classifier = load_classifier(bundle)
    manifest = classifier.manifest
    if manifest.reference is None:
        raise TrainingError(
            f"{manifest.name} {manifest.version} has no reference to measure drift against; "
            "make a version that has one for the site first: python -m training.calibrate"
        )
    items = in_scans(classifier, data) if data is not None else in_files(findings)
    sample, left_out = gather(items, manifest, period or Period())
    found = changes(sample, manifest.reference, per_patient)
    return Monitored(manifest, manifest.reference, sample, left_out, per_patient, found)


def table(done: Monitored) -> str:
    """The changes as text."""
    manifest, reference = done.manifest, done.reference
    lines = [
        f"{manifest.name} {manifest.version} (model.onnx {manifest.model.sha256[:12]})",
        f"{done.sample.scans:,} scans against a reference of {reference.scans:,} ({reference.fitted_on})",
        f"scans of a patient, by --scans-per-patient: {done.per_patient:g}",
    ]
    lines += [f"left out: {words(done.left_out)}"] if done.left_out else []
    few = f"only {len(done.sample.scores)} scans are gradable, {LEAST} are needed to compare score and class mix"
    lines += [few] if len(done.sample.scores) < LEAST else []
    names = [f"{change.measure} ({change.figure})" for change in done.changes]
    width = max(map(len, names))
    lines.append(f"{'measure':<{width}}  {'reference':>9}  {'now':>9}  {'effect':>9}  {'matters':>9}  {'p':>7}  drift")
    for name, change in zip(names, done.changes, strict=True):
        figures = (change.reference, change.now, change.effect, change.matters)
        row = "  ".join(f"{figure:>9.3g}" for figure in figures)
        chance = f"{change.p_holm:.4f}" if change.p_holm >= 1e-4 else "<0.0001"
        lines.append(f"{name:<{width}}  {row}  {chance:>7}  {'yes' if change.drift else 'no'}")
    lines.append(f"drift: {'yes' if done.drift else 'no'} (p below {LEVEL} by Holm's procedure, and an effect that matters)")
    return "\n".join(lines)


def figures(done: Monitored) -> dict[str, Any]:
    """The same as JSON types, with the counts of both sides."""
    manifest, reference, sample = done.manifest, done.reference, done.sample
    return {
        "model": {"name": manifest.name, "version": manifest.version, "sha256": manifest.model.sha256},
        "drift": done.drift,
        "level": LEVEL,
        "scans": sample.scans,
        "left_out": done.left_out,
        "scans_per_patient": done.per_patient,
        "changes": [_rounded(asdict(change)) | {"drift": change.drift} for change in done.changes],
        "outcomes": dict(sorted(sample.outcomes.items())),
        "top_classes": dict(sorted(sample.top_classes.items())),
        "reference": reference.model_dump(mode="json", include={"fitted_on", "scans", "outcomes", "top_classes"}),
    }


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {name: float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value for name, value in values.items()}


def write(folder: Path, done: Monitored) -> None:
    """Write monitor.json and monitor.png.

    Raises:
        TrainingError: the folder can't be written to.
    """
    from training.drift_plot import draw  # noqa: PLC0415 (drift is measured where matplotlib is not)

    title = f"{done.manifest.name} {done.manifest.version}: {done.sample.scans:,} scans, reference {done.reference.scans:,}"
    plot = draw(done.sample, done.reference, done.changes, threshold=done.manifest.ood.threshold, title=title)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "monitor.json").write_text(json.dumps(figures(done), indent=1) + "\n")
        plot.savefig(folder / "monitor.png", dpi=150)
    except OSError as error:
        raise TrainingError(f"--out can't be written: {error.strerror}") from error


class _Parser(argparse.ArgumentParser):
    """A wrong command line ends with 1, since 2 says that there is drift."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(FAILED, f"monitor: {message}\n")


def _day(text: str) -> date:
    """A full-date of RFC 3339, section 5.6; `fromisoformat` reads other forms too."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise argparse.ArgumentTypeError(f"{text!r} is no date of the form YYYY-MM-DD")
    return day


def _one_or_more(text: str) -> float:
    number = float(text)
    if not 1 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    about, codes = __doc__.splitlines()[0], "Exit codes: 0 no drift, 2 drift, 1 error."
    parser = _Parser(prog="python -m training.monitor", description=about, epilog=codes)
    parser.add_argument("--bundle", type=Path, required=True, help="folder of a model bundle with a reference")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--findings", type=Path, nargs="+", metavar="PATH", help="result JSON, NDJSON or JSON lines; files, or folders of them"
    )
    source.add_argument("--data", type=Path, metavar="FOLDER", help="folder with scans anywhere below, labelled or not")
    parser.add_argument("--since", type=_day, metavar="DATE", help="only findings made on this day (UTC) or later")
    parser.add_argument("--until", type=_day, metavar="DATE", help="only findings made on this day (UTC) or before")
    parser.add_argument(
        "--scans-per-patient",
        type=_one_or_more,
        default=1.0,
        metavar="K",
        help="how many scans a patient has on average (default: 1); the tests are that much less sure",
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="also write monitor.json and monitor.png")
    options = parser.parse_args(arguments)
    if options.data and (options.since or options.until):
        parser.error("--since and --until select findings; scans of a folder have no date")
    try:
        period = Period(options.since, options.until)
        given = {"findings": options.findings or (), "data": options.data}
        done = monitor(options.bundle, **given, period=period, per_patient=options.scans_per_patient)
        if options.out:
            write(options.out, done)
    except (TrainingError, OctError) as error:
        sys.stderr.write(f"monitor: {error}\n")
        return FAILED
    sys.stdout.write(table(done) + "\n")
    return DRIFTED if done.drift else STEADY


if __name__ == "__main__":
    sys.exit(main())
