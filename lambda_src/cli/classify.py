"""`classify`: a pool of threads reads and prepares, one run of the graph answers several scans, rows come in order."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from lambda_src.aws.bundle import open_classifier
from lambda_src.classifier import Classifier, Prepared
from lambda_src.cli.files import select
from lambda_src.cli.rows import Format, Row
from lambda_src.errors import NotFound, OctError, TooLarge
from lambda_src.finding import Finding
from lambda_src.imaging.decode import decode
from lambda_src.settings import Settings

_BATCH = 16


def classify(paths: Sequence[Path], settings: Settings, row_format: Format, *, jobs: int, out: TextIO) -> None:
    """Write one row for each file.

    Args:
        paths: files and folders.
        settings: name the bundle and the limits.
        row_format: how rows are written.
        jobs: files decoded at once.
        out: where the rows go; progress and what was left out goes to stderr.

    Raises:
        BundleRefused: before any row is written.
    """
    classifier = open_classifier(settings.model_uri, settings.model_sha256)
    selection = select(paths)
    if selection.skipped:
        print(f"Left out {selection.skipped} file(s) whose ending says that they are no pictures.", file=sys.stderr)
    write = row_format(out, classifier.manifest.classes)
    with ThreadPoolExecutor(jobs) as pool:
        rows = _rows(classifier, selection.files, settings, pool)
        for row in tqdm(rows, total=len(selection.files), unit="scan", disable=not sys.stderr.isatty()):
            with tqdm.external_write_mode(out) if out.isatty() else nullcontext():  # rows and bar on one terminal
                write(row)


def _rows(classifier: Classifier, files: Sequence[Path], settings: Settings, pool: ThreadPoolExecutor) -> Iterator[Row]:
    """Rows in the files' order. Two batches are in work: while one runs in the graph, the next is read and decoded."""
    remaining = iter(files)

    def start() -> list[tuple[Path, "Future[Prepared | OctError]"]]:
        return [(file, pool.submit(_prepare, classifier, file, settings)) for file in islice(remaining, _BATCH)]

    batch = start()
    while batch:
        following = start()
        answers = [future.result() for _, future in batch]
        findings = iter(classifier.findings([answer for answer in answers if isinstance(answer, Prepared)]))
        yield from _joined((file for file, _ in batch), answers, findings)
        batch = following


def _joined(files: Iterable[Path], answers: Iterable[Prepared | OctError], findings: Iterator[Finding]) -> Iterator[Row]:
    for file, answer in zip(files, answers, strict=True):
        yield Row(file, answer if isinstance(answer, OctError) else next(findings))


def _prepare(classifier: Classifier, file: Path, settings: Settings) -> Prepared | OctError:
    try:
        scan = decode(_read(file, settings.max_bytes), max_pixels=settings.max_pixels)
        return classifier.prepare(scan).without_pixels()
    except OctError as error:
        return error


def _read(file: Path, max_bytes: int) -> bytes:
    """At most the limit of a file.

    Raises:
        NotFound: no such file, or it can't be read.
        TooLarge: more bytes than the limit; they are not read.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(max_bytes + 1)
            size = file.stat().st_size
    except OSError as error:
        raise NotFound(f"The file can't be read: {error.strerror}.") from error
    if len(data) > max_bytes:
        raise TooLarge.scan(max_bytes, size)
    return data
