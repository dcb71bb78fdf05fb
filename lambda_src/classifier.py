"""The classifier: scans in, findings out, one run of the graph for as many as are given."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lambda_src.decision import Decision, decide
from lambda_src.errors import BundleRefused, OctError
from lambda_src.finding import Finding, HeatMap, ImageFacts, ModelFacts, Ood, Quality, new_id, now
from lambda_src.imaging.decode import Scan, decode
from lambda_src.imaging.preprocess import mask_padding, padding_mask, retina_rows, to_square
from lambda_src.imaging.quality import measure, ungradable_reason
from lambda_src.model.bundle import Bundle, RawOutputs, load_bundle

GOLDEN_FOLDER = "golden"
_HEAT_DECIMALS = 3


@dataclass(frozen=True)
class Prepared:
    """A scan made ready for the graph: `square` is uint8 [S, S] of `rows`; `checks` are its quality numbers."""

    scan: Scan
    square: NDArray[np.uint8]
    rows: tuple[int, int]
    checks: Mapping[str, float]

    def without_pixels(self) -> Self:
        """The same with a hollow scan: a finding needs its size alone, and memory stays flat while many wait."""
        hollow = np.broadcast_to(np.uint8(0), self.scan.pixels.shape)
        return replace(self, scan=replace(self.scan, pixels=hollow))


class Classifier:
    """A loaded bundle and its decision rule. Safe to use from several threads."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.manifest = bundle.manifest
        self._rule = bundle.manifest.rule()
        self._limits = bundle.manifest.quality_limits()
        model = bundle.manifest.model
        self._model_facts = ModelFacts(name=bundle.manifest.name, version=bundle.manifest.version, sha256=model.sha256)

    def prepare(self, scan: Scan) -> Prepared:
        """Preprocess and measure one scan; work that a pool of threads can share."""
        padding = padding_mask(scan.pixels)
        masked = mask_padding(scan.pixels, padding)
        rows = (0, scan.height) if self.manifest.input.crop == "none" else retina_rows(masked)
        return Prepared(scan, to_square(masked, rows, self.manifest.input.size), rows, measure(scan, padding))

    def run(self, prepared: Sequence[Prepared]) -> RawOutputs:
        """One run of the graph over all scans."""
        return self.bundle.run(np.stack([item.square for item in prepared])[:, None])

    def findings(self, prepared: Sequence[Prepared]) -> list[Finding]:
        """Findings of prepared scans, in their order, by one run of the graph."""
        return self.conclude(prepared, self.run(prepared)) if prepared else []

    def conclude(self, prepared: Sequence[Prepared], raw: RawOutputs) -> list[Finding]:
        """Findings of prepared scans from the graph's outputs for them."""
        return [self._finding(item, raw, index) for index, item in enumerate(prepared)]

    def finding(self, scan: Scan) -> Finding:
        """Finding of one scan."""
        return self.findings([self.prepare(scan)])[0]

    def _finding(self, item: Prepared, raw: RawOutputs, index: int) -> Finding:
        reason = ungradable_reason(item.checks, self._limits)
        decision = decide(raw.logits[index], raw.embedding[index], self._rule, ungradable_reason=reason)
        scan = item.scan
        return Finding(
            id=new_id(),
            created=now(),
            outcome=decision.outcome,
            reason=decision.reason,
            label=decision.label,
            top_class=decision.top_class,
            triage=decision.triage,
            probabilities=dict(decision.probabilities),
            prediction_set=list(decision.prediction_set),
            coverage=self.manifest.conformal.coverage,
            ood=Ood(score=decision.ood_score, threshold=self._rule.ood_threshold),
            quality=Quality(gradable=reason is None, checks=dict(item.checks)),
            heat_map=self._heat_map(decision, raw.class_maps[index], item),
            image=ImageFacts(sha256=scan.sha256, width=scan.width, height=scan.height, format=scan.format, frame=scan.frame),
            model=self._model_facts,
            notice=self.manifest.notice,
        )

    def _heat_map(self, decision: Decision, class_maps: NDArray[np.float32], item: Prepared) -> HeatMap | None:
        """The graph's map of the top class, scaled to its own maximum; none for a scan that was not read."""
        if decision.outcome in ("ungradable", "out_of_distribution"):
            return None
        heat = np.maximum(class_maps[self.manifest.classes.index(decision.top_class)].astype(np.float64), 0.0)
        peak = heat.max()
        grid = np.round(heat / peak if peak > 0 else heat, _HEAT_DECIMALS)
        top, bottom = item.rows
        return HeatMap(class_=decision.top_class, grid=grid.tolist(), frame=(0, top, item.scan.width, bottom))


def load_classifier(folder: Path, *, expected_sha256: str | None = None, threads: int = 0) -> Classifier:
    """Load a bundle and hold it against its golden answers.

    Raises:
        BundleRefused: see `load_bundle`; or a golden scan is answered differently than its expected finding says.
    """
    classifier = Classifier(load_bundle(folder, expected_sha256=expected_sha256, threads=threads))
    _check_golden(classifier)
    return classifier


def _check_golden(classifier: Classifier) -> None:
    golden = classifier.manifest.golden
    folder = classifier.bundle.folder / GOLDEN_FOLDER
    try:
        scans = [decode((folder / f"{name}.png").read_bytes()) for name in golden.names]
        expected = [json.loads((folder / f"{name}.json").read_bytes()) for name in golden.names]
    except (OSError, ValueError, OctError) as error:
        raise BundleRefused("The golden scans or their expected findings can't be read.") from error
    found = classifier.findings([classifier.prepare(scan) for scan in scans])
    for name, want, have in zip(golden.names, expected, found, strict=True):
        _check_answer(name, want, have, golden.tolerance)


def _check_answer(name: str, want: Mapping[str, object], have: Finding, tolerance: float) -> None:
    wire = have.wire()
    for field in ("outcome", "label", "top_class", "triage", "prediction_set"):
        if wire[field] != want.get(field):
            raise BundleRefused(
                f"Golden scan {name}: {field} is not as expected.", limit=str(want.get(field)), value=str(wire[field])
            )
    probabilities = want.get("probabilities")
    if not isinstance(probabilities, Mapping) or set(probabilities) != set(have.probabilities):
        raise BundleRefused(f"Golden scan {name}: the expected finding lacks its probabilities.")
    worst = max(abs(have.probabilities[label] - float(p)) for label, p in probabilities.items())
    if worst > tolerance:
        raise BundleRefused(
            f"Golden scan {name}: a probability is off by more than the tolerance.", limit=tolerance, value=round(worst, 6)
        )
