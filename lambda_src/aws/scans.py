"""Scans read from a bucket, and their results written to one."""

import contextlib
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lambda_src.aws import clients
from lambda_src.batch.events import ObjectEvent
from lambda_src.batch.ports import DEFAULT_OWNER, Gone, StoredScan, is_older

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

RESULTS_PREFIX = "findings/"
OWNER_METADATA = "oct-owner"
JOB_METADATA = "oct-job"
_ORDER_METADATA = "scan-order"
_VERSION_METADATA = "scan-version"
_UNVERSIONED = "null"

_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "404", "PreconditionFailed", "412", "MethodNotAllowed", "405"})
"""405: the version is a delete marker; 412: the ETag that was asked for has been overwritten."""
_RACE_CODES = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})
_RACES = 8


def result_key(key: str) -> str:
    """Key of a scan's result: the whole key, so that a.png and a.jpg differ."""
    return f"{RESULTS_PREFIX}{key}.json"


class BucketScans:
    """Scans in S3."""

    def head(self, event: ObjectEvent) -> StoredScan:
        """Facts of an object; of its current version where the event names none.

        Raises:
            Gone: it was deleted since.
        """
        pin: dict[str, Any] = {"VersionId": event.version} if event.version else {}
        try:
            head = clients.s3().head_object(Bucket=event.bucket, Key=event.key, **pin)
        except ClientError as error:
            raise _translated(error) from error
        return _stored(event, head)

    def read(self, scan: StoredScan) -> bytes:
        """The bytes of exactly this version.

        Raises:
            Gone: it was deleted or, in a bucket without versions, overwritten since.
        """
        pin: dict[str, Any] = {"VersionId": scan.version} if scan.versioned else {"IfMatch": f'"{scan.version}"'}
        try:
            return clients.s3().get_object(Bucket=scan.bucket, Key=scan.key, **pin)["Body"].read()
        except ClientError as error:
            raise _translated(error) from error


class BucketResults:
    """Results in S3, each guarded by the order of its scan's version."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def publish(self, scan: StoredScan, body: str) -> bool:
        """Write a result unless a newer version's is there.

        Every write is conditional on what was seen before it (S3 User Guide, "Conditional writes"): a worker that was held up
        can't put an old result over a new one. Two workers with the same version write the same bytes.

        Returns:
            False if a newer result was there.
        """
        key = result_key(scan.key)
        condition: dict[str, Any] = {"IfNoneMatch": "*"}
        for _ in range(_RACES):
            with contextlib.suppress(_LostRace):
                self._put(key, scan, body, condition)
                return True
            current = self._current(key)
            if current is None:
                condition = {"IfNoneMatch": "*"}
                continue
            if current["Metadata"].get(_VERSION_METADATA) == scan.version:
                return True
            if is_older(scan.order, current["Metadata"].get(_ORDER_METADATA, "")):
                return False
            condition = {"IfMatch": current["ETag"]}
        raise TimeoutError("The result was overwritten by others at every attempt.")

    def version(self, key: str) -> str | None:
        """The version of the scan under a key that the result there is of; None where there is none."""
        current = self._current(result_key(key))
        return None if current is None else current["Metadata"].get(_VERSION_METADATA)

    def _put(self, key: str, scan: StoredScan, body: str, condition: dict[str, Any]) -> None:
        metadata = {_ORDER_METADATA: scan.order, _VERSION_METADATA: scan.version}
        try:
            clients.s3().put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body.encode(),
                ContentType="application/json",
                Metadata=metadata,
                **condition,
            )
        except ClientError as error:
            if clients.error_code(error) in _RACE_CODES:
                raise _LostRace from error
            raise

    def _current(self, key: str) -> "HeadObjectOutputTypeDef | None":
        try:
            return clients.s3().head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if clients.error_code(error) in _GONE:
                return None
            raise


class _LostRace(Exception):
    """Somebody else wrote between our look and our write."""


def _stored(event: ObjectEvent, head: "HeadObjectOutputTypeDef") -> StoredScan:
    version = head.get("VersionId")
    versioned = version is not None and version != _UNVERSIONED
    return StoredScan(
        bucket=event.bucket,
        key=event.key,
        version=version if version and versioned else head["ETag"].strip('"'),
        versioned=versioned,
        sequencer=event.sequencer,
        size=head["ContentLength"],
        modified=head["LastModified"],
        owner=head["Metadata"].get(OWNER_METADATA, DEFAULT_OWNER),
        job=head["Metadata"].get(JOB_METADATA),
    )


def _translated(error: ClientError) -> Exception:
    return Gone("The object is no longer there.") if clients.error_code(error) in _GONE else error
