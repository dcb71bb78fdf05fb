from datetime import UTC, datetime, timedelta

from lambda_src.batch.ports import StoredScan, is_older

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(seconds=1)


def scan(sequencer: str, modified: datetime = NOON) -> StoredScan:
    return StoredScan("scans", "a.png", "v", True, sequencer, 1, modified)


def test_shorter_sequencers_are_padded_on_the_right() -> None:
    # S3 User Guide, "Event message structure": right-pad the shorter one with zeros, then compare as text.
    orders = [scan(sequencer).order for sequencer in ("0055AED6DCD90281E5", "0055AED6DD", "0055AED6DD01")]
    assert [is_older(a, b) for a in orders for b in orders] == [a < b for a in range(3) for b in range(3)]
    assert scan("00ab").order == scan("00AB00").order


def test_without_sequencers_the_time_of_writing_decides() -> None:
    assert is_older(scan("").order, scan("", LATER).order)
    assert not is_older(scan("", LATER).order, scan("").order)


def test_an_event_with_and_one_without_a_sequencer_are_compared_by_time() -> None:
    assert is_older(scan("00FF").order, scan("", LATER).order)
    assert is_older(scan("").order, scan("0001", LATER).order)
    assert not is_older(scan("0001", LATER).order, scan("").order)


def test_of_two_sequencers_the_time_of_writing_says_nothing() -> None:
    # an upload in parts is dated by its beginning
    assert is_older(scan("01", LATER).order, scan("02").order)
