"""Erase one scan everywhere: the image in all its versions, its results in all of theirs, its findings and its jobs."""

from collections.abc import Iterator
from dataclasses import dataclass

from lambda_src.aws import clients
from lambda_src.aws.findings import FINDING, ONLY
from lambda_src.aws.scans import BucketScans, result_key
from lambda_src.batch.events import ObjectEvent
from lambda_src.batch.identity import finding_id
from lambda_src.batch.ports import Gone


@dataclass(frozen=True)
class Erased:
    """How much of one scan was removed, delete markers counted as versions."""

    image_versions: int
    result_versions: int
    items: int


def erase(bucket: str, key: str, *, results_bucket: str, table: str) -> Erased:
    """Remove a scan for good.

    The items go first and the image goes last: its versions are what the items' ids are made from, so that a run that was cut
    short can be repeated. A scan that was never there is no error, for the same reason. Summaries of a folder that the scan was a
    part of, access logs and point-in-time backups of the table keep its key until their own end.

    Args:
        bucket, key: of the scan.
        results_bucket: where its finding lies.
        table: where its items are.
    """
    versions = list(_versions(bucket, key))
    items = sum(_erase_items(table, bucket, key, version) for version in versions)
    results = _erase_versions(results_bucket, result_key(key))
    return Erased(image_versions=_erase_versions(bucket, key), result_versions=results, items=items)


def _erase_items(table: str, bucket: str, key: str, version: str) -> int:
    """The items of one version: its finding or rejection, and the job that it was uploaded by."""
    try:
        scan = BucketScans().head(ObjectEvent(bucket, key, version))
    except Gone:  # a delete marker
        return 0
    names = [f"{FINDING}#{finding_id(scan)}", *([f"job#{scan.job}"] if scan.job else [])]
    return sum(_erase_item(table, name) for name in names)


def _erase_item(table: str, name: str) -> bool:
    found = clients.dynamodb().delete_item(TableName=table, Key={"pk": {"S": name}, "sk": {"S": ONLY}}, ReturnValues="ALL_OLD")
    return "Attributes" in found


def _erase_versions(bucket: str, key: str) -> int:
    versions = list(_versions(bucket, key))
    for version in versions:
        clients.s3().delete_object(Bucket=bucket, Key=key, VersionId=version)
    return len(versions)


def _versions(bucket: str, key: str) -> Iterator[str]:
    """Every version and delete marker of exactly this key."""
    for page in clients.s3().get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
        for entry in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            if entry["Key"] == key:
                yield entry["VersionId"]
