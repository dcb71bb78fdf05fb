"""Scans read as serving reads them, with the graph's own outputs beside each finding."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from lambda_src.classifier import Classifier, Prepared
from lambda_src.finding import Finding
from lambda_src.imaging.decode import Scan

BATCH = 16
THREADS = 2

Source = TypeVar("Source")
Kept = TypeVar("Kept")


@dataclass(frozen=True)
class Reading:
    """What the bundle found in a scan: the finding, and the logits float32 [4] and embedding float32 [D] it was taken from."""

    finding: Finding
    logits: NDArray[np.float32]
    embedding: NDArray[np.float32]


def read(
    classifier: Classifier, sources: Sequence[Source], load: Callable[[Source], tuple[Scan, Kept]], *, what: str = "scans"
) -> Iterator[tuple[Kept, Reading]]:
    """Read scans by batches, in their order, with a progress bar on a terminal.

    Args:
        classifier: a loaded bundle.
        sources: whatever `load` makes a scan of.
        load: gives a source's scan, and what is to be kept of it; called by several threads.
        what: name of the scans, which the bar shows.
    """

    def prepared(source: Source) -> tuple[Prepared, Kept]:
        scan, kept = load(source)
        return classifier.prepare(scan).without_pixels(), kept

    with ThreadPoolExecutor(THREADS) as pool, tqdm(total=len(sources), desc=what, unit="scan", disable=None) as bar:
        for start in range(0, len(sources), BATCH):
            ready = list(pool.map(prepared, sources[start : start + BATCH]))
            items = [item for item, _ in ready]
            raw = classifier.run(items)
            for index, finding in enumerate(classifier.conclude(items, raw)):
                yield ready[index][1], Reading(finding, raw.logits[index], raw.embedding[index])
            bar.update(len(ready))


def as_scan(pixels: NDArray[np.uint8]) -> Scan:
    """A picture from memory, uint8 [H, W], as if it had come in a file of its own."""
    return Scan(pixels, hashlib.sha256(pixels.tobytes()).hexdigest(), "PNG")
