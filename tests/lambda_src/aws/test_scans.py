from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from lambda_src.aws import clients
from lambda_src.aws.scans import BucketResults, BucketScans, result_key
from lambda_src.batch.events import ObjectEvent
from lambda_src.batch.ports import Gone, StoredScan
from lambda_src.local.cloud import Cloud
from lambda_src.local.names import FINDINGS, SCANS
from tests.support.aws import put_scan, results


def head(key: str, version: str | None = None, sequencer: str = "") -> StoredScan:
    return BucketScans().head(ObjectEvent(SCANS, key, version, sequencer))


def test_facts_of_an_object(cloud: Cloud) -> None:
    version = put_scan("a b/ü+.png", b"123", Metadata={"oct-owner": "anna", "oct-job": "J"})
    scan = head("a b/ü+.png", sequencer="AB")
    assert (scan.version, scan.versioned, scan.size, scan.sequencer) == (version, True, 3, "AB")
    assert (scan.owner, scan.job) == ("anna", "J")
    assert head("a b/ü+.png", version) == replace(scan, sequencer="")


def test_exactly_the_version_of_the_event_is_read(cloud: Cloud) -> None:
    old, new = put_scan("a", b"old"), put_scan("a", b"newer")
    assert BucketScans().read(head("a", old)) == b"old"
    assert BucketScans().read(head("a", new)) == BucketScans().read(head("a")) == b"newer"


def test_without_versions_the_etag_stands_for_one(cloud: Cloud) -> None:
    clients.s3().create_bucket(Bucket="plain")
    clients.s3().put_object(Bucket="plain", Key="a", Body=b"old")
    scan = BucketScans().head(ObjectEvent("plain", "a"))
    assert (scan.version, scan.versioned) == ("149603e6c03516362a8da23f624db945", False)  # md5 of "old"
    assert BucketScans().read(scan) == b"old"
    clients.s3().put_object(Bucket="plain", Key="a", Body=b"new")
    with pytest.raises(Gone):
        BucketScans().read(scan)


def test_what_was_deleted_is_gone(cloud: Cloud) -> None:
    version = put_scan("a", b"1")
    scan = head("a")
    clients.s3().delete_object(Bucket=SCANS, Key="a", VersionId=version)
    with pytest.raises(Gone):
        head("a")
    with pytest.raises(Gone):
        BucketScans().read(scan)


def test_other_errors_are_not_taken_for_a_deletion(cloud: Cloud) -> None:
    with pytest.raises(ClientError):
        BucketScans().read(StoredScan("no-such-bucket", "a", "v", True, "", 1, head_time()))


def test_a_result_lies_under_the_whole_key(cloud: Cloud) -> None:
    put_scan("a b/ü.png", b"1")
    put_scan("a b/ü.jpg", b"1")
    for key in ("a b/ü.png", "a b/ü.jpg"):
        assert BucketResults(FINDINGS).publish(head(key), key)
    assert results() == {"findings/a b/ü.png.json": "a b/ü.png".encode(), "findings/a b/ü.jpg.json": "a b/ü.jpg".encode()}


def test_an_older_version_never_overwrites_a_newer_one(cloud: Cloud) -> None:
    old, new = put_scan("a", b"1"), put_scan("a", b"2")
    published = BucketResults(FINDINGS)
    assert published.publish(head("a", old, "01"), "old")
    assert published.publish(head("a", new, "02"), "new")
    assert not published.publish(head("a", old, "01"), "old")
    assert list(results().values()) == [b"new"]
    assert published.version("a") == new


def test_without_sequencers_the_time_of_writing_orders_versions(cloud: Cloud) -> None:
    old, new = put_scan("a", b"1"), put_scan("a", b"2")
    earlier = replace(head("a", old), modified=head_time() - timedelta(hours=1))
    assert BucketResults(FINDINGS).publish(head("a", new), "new")
    assert not BucketResults(FINDINGS).publish(earlier, "old")


def test_a_newer_version_that_came_by_no_event_is_taken_and_then_kept(cloud: Cloud) -> None:
    old, new = put_scan("a", b"1"), put_scan("a", b"2")
    published = BucketResults(FINDINGS)
    late = head("a", old, "FF")
    backfilled = replace(head("a", new), modified=late.modified + timedelta(seconds=2))
    assert published.publish(late, "old")
    assert published.publish(backfilled, "new")
    assert not published.publish(late, "old")
    assert list(results().values()) == [b"new"]


def test_the_same_version_is_written_once(cloud: Cloud) -> None:
    put_scan("a", b"1")
    published = BucketResults(FINDINGS)
    assert published.publish(head("a"), "first")
    before = clients.s3().head_object(Bucket=FINDINGS, Key=result_key("a"))["VersionId"]
    assert published.publish(head("a"), "first")
    assert clients.s3().head_object(Bucket=FINDINGS, Key=result_key("a"))["VersionId"] == before


def test_a_writer_that_was_held_up_notices_the_newer_result(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = (put_scan("a", body) for body in (b"1", b"2", b"3"))
    published, faster = BucketResults(FINDINGS), BucketResults(FINDINGS)
    published.publish(head("a", first, "01"), "first")
    look = published._current

    def held_up(key: str) -> object:
        seen = look(key)
        monkeypatch.setattr(published, "_current", look)
        faster.publish(head("a", third, "03"), "third")
        return seen

    monkeypatch.setattr(published, "_current", held_up)
    assert not published.publish(head("a", second, "02"), "second")
    assert list(results().values()) == [b"third"]


def head_time() -> datetime:
    put_scan("clock", b"1")
    return head("clock").modified
