"""Counts, scores and times of what is classified, as lines of CloudWatch's embedded metric format: no call, no key, no name.

The format: CloudWatch User Guide, "Embedded metric format specification". Alarms read these names: `infra/components/health.py`.
"""

import json
import os
import sys
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, TextIO

from lambda_src.classifier import Classifier, Prepared
from lambda_src.finding import Finding
from lambda_src.imaging.decode import Scan

NAMESPACE = "RetinalOCT"
OUTCOMES = {
    "answered": "Answered",
    "deferred": "Deferred",
    "out_of_distribution": "OutOfDistribution",
    "ungradable": "Ungradable",
}
JUDGED = ("Scans", "Deferred", "OutOfDistribution")
"""Told for each version of the function too: what a canary is rolled back by."""
MOST_VALUES = 100
"""Of one metric in one line, by the format."""


class MeteredClassifier(Classifier):
    """A classifier that writes one line of metrics for each run of its graph."""

    def __init__(self, classifier: Classifier, service: str, stream: TextIO | None = None) -> None:
        super().__init__(classifier.bundle)
        self._service = service
        self._version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        self._stream = stream
        self._prepare_ms: deque[float] = deque(maxlen=MOST_VALUES)

    def prepare(self, scan: Scan) -> Prepared:
        """Preprocess and measure one scan, and remember how long that took."""
        start = time.perf_counter()
        prepared = super().prepare(scan)
        self._prepare_ms.append(_ms_since(start))
        return prepared

    def findings(self, prepared: Sequence[Prepared]) -> list[Finding]:
        """Findings by one run of the graph, and their metrics."""
        start = time.perf_counter()
        findings = super().findings(prepared)
        if findings:
            waited = [self._prepare_ms.popleft() for _ in range(len(self._prepare_ms))]
            times = {"AnalyseMs": [_ms_since(start)], "PrepareMs": waited}
            line = metrics_line(
                findings, times, service=self._service, version=self._version, timestamp_ms=int(time.time() * 1000)
            )
            print(json.dumps(line), file=self._stream or sys.stdout, flush=True)
        return findings


def metrics_line(
    findings: Sequence[Finding], times: dict[str, list[float]], *, service: str, version: str, timestamp_ms: int
) -> dict[str, Any]:
    """One line: scans, each outcome, each class that was answered, the scores, and the times in milliseconds."""
    counts = {"Scans": len(findings)} | {name: sum(item.outcome == key for item in findings) for key, name in OUTCOMES.items()}
    for finding in findings:
        if finding.label is not None:
            counts[finding.label] = counts.get(finding.label, 0) + 1
    scores = [finding.ood.score for finding in findings][:MOST_VALUES]
    measured = {name: [round(value, 2) for value in values] for name, values in times.items() if values}
    units = dict.fromkeys(counts, "Count") | {"OodScore": "None"} | dict.fromkeys(measured, "Milliseconds")
    declared = [{"Name": name, "Unit": unit} for name, unit in units.items()]
    told = [
        {"Namespace": NAMESPACE, "Dimensions": [["service"]], "Metrics": declared},
        {
            "Namespace": NAMESPACE,
            "Dimensions": [["service", "version"]],
            "Metrics": [item for item in declared if item["Name"] in JUDGED],
        },
    ]
    envelope = {"_aws": {"Timestamp": timestamp_ms, "CloudWatchMetrics": told}, "service": service, "version": version}
    return envelope | counts | {"OodScore": scores} | measured


def _ms_since(start: float) -> float:
    return (time.perf_counter() - start) * 1000
