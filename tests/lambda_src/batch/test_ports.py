from datetime import UTC, datetime, timedelta

from lambda_src.batch.ports import StoredScan

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def scan(sequencer: str, modified: datetime = NOON) -> StoredScan:
    return StoredScan("scans", "a.png", "v", True, sequencer, 1, modified)


def test_shorter_sequencers_are_padded_on_the_right() -> None:
    # S3 User Guide, "Event message structure": right-pad the shorter one with zeros, then compare as text.
    assert scan("0055AED6DCD90281E5").order < scan("0055AED6DD").order < scan("0055AED6DD01").order
    assert scan("00ab").order == scan("00AB00").order


def test_without_sequencers_the_time_of_writing_decides() -> None:
    assert scan("").order < scan("", NOON + timedelta(seconds=1)).order
