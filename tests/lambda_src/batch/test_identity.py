from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ulid import ULID

from lambda_src.batch.identity import finding_id
from lambda_src.batch.ports import StoredScan
from lambda_src.finding import new_id

SCAN = StoredScan("scans", "a.png", "v1", True, "", 1, datetime(2026, 1, 1, tzinfo=UTC))


def test_every_delivery_makes_the_same_id() -> None:
    assert finding_id(SCAN) == finding_id(replace(SCAN, sequencer="00AB", owner="somebody"))


def test_bucket_key_and_version_each_make_another() -> None:
    others = [
        replace(SCAN, bucket="b"),
        replace(SCAN, key="b"),
        replace(SCAN, version="v2"),
        replace(SCAN, key="a.pngv", version="1"),
    ]
    assert len({finding_id(scan) for scan in (SCAN, *others)}) == 5


def test_it_looks_like_any_other_finding_s_id_and_tells_the_time() -> None:
    made = finding_id(SCAN)
    assert len(made) == len(new_id())
    assert made.isalnum()
    assert made.isupper()
    assert ULID.from_str(made[:26]).datetime == SCAN.modified


def test_without_versions_the_same_contents_put_again_are_the_same_scan() -> None:
    plain = replace(SCAN, versioned=False, version="etag")
    again = replace(plain, modified=plain.modified + timedelta(days=1))
    assert finding_id(plain) == finding_id(again)
    assert finding_id(SCAN) != finding_id(replace(SCAN, modified=again.modified))
