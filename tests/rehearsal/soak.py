"""What the soak test uploads, and what must come of it."""

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from lambda_src.aws import clients
from lambda_src.aws.scans import BucketScans
from lambda_src.batch.events import ObjectEvent
from lambda_src.batch.identity import finding_id
from lambda_src.local.names import SCANS
from tests.support.bad_inputs import png_header
from tests.support.pictures import band, encoded

MEANS = {"CNV": 0.1, "DME": 0.2, "DRUSEN": 0.3, "NORMAL": 0.4}
PICTURES = [(label, encoded(band(mean, seed=seed))) for seed in range(16) for label, mean in MEANS.items()]
POISON: Mapping[str, bytes] = {
    "empty-body": b"",
    "not-an-image": b"%PDF-1.7 no scan",
    "truncated": PICTURES[0][1][:-300],
    "too-many-pixels": png_header(60_000, 60_000),
    "unsupported-format": b"GIF89a" + bytes(100),
    "too-large": bytes(3_000_000),
}
MAX_BYTES = 2_500_000


@dataclass
class Plan:
    """Every version of every key with its right answer (a label, or a poison's problem), and the events to send, shuffled."""

    scans: int
    seed: int = 1
    answers: dict[str, dict[str, str]] = field(default_factory=dict)
    newest: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    poisoned: int = 0
    copies: int = 0
    uploaded_again: int = 0
    delivered_twice: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._sequence = count(1)

    def bodies(self) -> list[tuple[str, str, bytes]]:
        """(key, answer, bytes) to upload, in order; a key that comes again is a new version."""
        poisoned, copies, again = round(0.03 * self.scans), round(0.05 * self.scans), round(0.01 * self.scans)
        kinds = list(POISON.items())
        self.poisoned, self.copies, self.uploaded_again = poisoned, copies, again
        made = [(f"poison/{i} {kinds[i % 6][0]}+ü.png", *kinds[i % 6]) for i in range(poisoned)]
        fresh = self.scans - poisoned - copies
        made += [
            (f"clinic {i % 7}/eye+{i}/ß.png", label, picture + i.to_bytes(4, "big")) for i, (label, picture) in self._pick(fresh)
        ]
        originals = [item for item in made if item[1] in MEANS]
        made += [(f"copies/{i}.png", *original[1:]) for i, original in enumerate(self._random.sample(originals, copies))]
        self._random.shuffle(made)
        for key, _, _ in self._random.sample(originals, again):
            label, picture = self._random.choice(PICTURES)
            made.append((key, label, picture + b"again"))
        return made

    def _pick(self, number: int) -> list[tuple[int, tuple[str, bytes]]]:
        return [(i, self._random.choice(PICTURES)) for i in range(number)]

    def upload(self, key: str, answer: str, body: bytes) -> None:
        """Put an object and write its event as S3 would: versioned, with a sequencer."""
        version = clients.s3().put_object(Bucket=SCANS, Key=key, Body=body)["VersionId"]
        sequencer = f"{next(self._sequence):016X}"
        scan = BucketScans().head(ObjectEvent(SCANS, key, version, sequencer))
        self.answers.setdefault(key, {})[finding_id(scan)] = answer
        self.newest[key] = finding_id(scan)
        item = {"key": key.replace("+", "%2B").replace(" ", "+"), "versionId": version, "sequencer": sequencer}
        self.events.append({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": SCANS}, "object": item}})

    def deliveries(self) -> list[list[dict[str, Any]]]:
        """Messages: the events with 5 % of them twice, in any order, some messages of two events."""
        twice = self._random.sample(self.events, round(0.05 * self.scans))
        self.delivered_twice = len(twice)
        every = [*self.events, *twice]
        self._random.shuffle(every)
        pairs = len(every) // 10
        return [every[2 * i : 2 * i + 2] for i in range(pairs)] + [[event] for event in every[2 * pairs :]]


def name() -> str:
    """An id for a queue entry."""
    return uuid.uuid4().hex
