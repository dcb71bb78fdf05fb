import os

from lambda_src.aws import clients
from lambda_src.aws.erase import Erased, erase
from lambda_src.aws.findings import FindingsTable
from lambda_src.aws.scans import BucketScans, result_key
from lambda_src.batch.events import ObjectEvent
from lambda_src.batch.identity import finding_id
from lambda_src.local.cloud import Cloud
from lambda_src.local.names import FINDINGS, SCANS
from tests.support.aws import put_scan, results


def kept(key: str, body: bytes = b"scan") -> str:
    """A scan with its finding in the table and its result beside it, as the worker leaves them; the finding's id."""
    version = put_scan(key, body)
    found = finding_id(BucketScans().head(ObjectEvent(SCANS, key, version)))
    FindingsTable(os.environ["OCT_TABLE"]).put_once(found, "owner", "{}", kind="finding")
    clients.s3().put_object(Bucket=FINDINGS, Key=result_key(key), Body=b"{}")
    return found


def run(key: str) -> Erased:
    return erase(SCANS, key, results_bucket=FINDINGS, table=os.environ["OCT_TABLE"])


def versions(bucket: str) -> list[str]:
    page = clients.s3().list_object_versions(Bucket=bucket)
    return [entry["Key"] for entry in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]]


def test_every_version_every_result_and_every_finding_goes(cloud: Cloud) -> None:
    first, second = kept("a.png", b"one"), kept("a.png", b"two")
    clients.s3().delete_object(Bucket=SCANS, Key="a.png")
    erased = run("a.png")
    assert erased == Erased(image_versions=3, result_versions=erased.result_versions, items=2)
    assert erased.result_versions >= 1
    assert "a.png" not in versions(SCANS)
    assert result_key("a.png") not in versions(FINDINGS)
    table = FindingsTable(os.environ["OCT_TABLE"])
    assert (table.body(first), table.body(second)) == (None, None)


def test_a_scan_whose_key_begins_alike_stays(cloud: Cloud) -> None:
    kept("a.png")
    other = kept("a.png.png")
    run("a.png")
    assert "a.png.png" in versions(SCANS)
    assert list(results()) == [result_key("a.png.png")]
    assert FindingsTable(os.environ["OCT_TABLE"]).body(other) == "{}"


def test_it_can_be_repeated(cloud: Cloud) -> None:
    kept("a.png")
    run("a.png")
    assert run("a.png") == Erased(image_versions=0, result_versions=0, items=0)
