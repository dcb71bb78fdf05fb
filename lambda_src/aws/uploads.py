"""Uploads straight to the bucket, and the jobs that they are: forms signed for S3, items in the table."""

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from lambda_src.aws import clients
from lambda_src.aws.findings import ONLY
from lambda_src.aws.folders import BucketFolders, silent, written
from lambda_src.aws.scans import JOB_METADATA, OWNER_METADATA
from lambda_src.batch.ports import StoredScan
from lambda_src.errors import InternalError, problem
from lambda_src.finding import new_id
from lambda_src.jobs import UPLOAD_SECONDS, Job, JobState, Upload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

UPLOADS_PREFIX: Final = "uploads/"
KEPT_DAYS = 30
"""How long a job can be asked for; the table's time to live then removes it. Its finding stays."""

_UNENDED = "attribute_not_exists(scan_order)"


class JobsTable:
    """Jobs of one scan each, as the worker tells of them."""

    def __init__(self, table: str) -> None:
        self._table = table

    def started(self, scan: StoredScan) -> None:
        """A worker has the scan of a job."""
        self._update(scan, {"state": "running", "heard": written(datetime.now(UTC))}, _UNENDED)

    def failed(self, scan: StoredScan) -> None:
        """A try at the scan of a job failed; it comes again, or lies in the dead-letter queue."""
        self._update(scan, {"state": "failed"}, _UNENDED)

    def ended(self, scan: StoredScan, body: str) -> None:
        """A scan's finding or rejection is kept. Of a form that was posted twice, the later scan counts."""
        told = json.loads(body)
        values = {"state": "rejected" if "problem" in told else "done", "finding_id": told["id"], "scan_order": scan.order}
        if "problem" in told:
            values["problem"] = json.dumps(told["problem"])
        self._update(scan, values, "(attribute_not_exists(scan_order) OR scan_order <= :scan_order)")

    def _update(self, scan: StoredScan, values: dict[str, str], condition: str) -> None:
        """Set attributes of the scan's job, if it has one, it is its owner's, and the condition holds."""
        if scan.job is None:
            return
        try:
            clients.dynamodb().update_item(
                TableName=self._table,
                Key=_key(scan.job),
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
                ConditionExpression=f"#owner = :owner AND {condition}",
                ExpressionAttributeNames={"#owner": "owner"} | {f"#{name}": name for name in values},
                ExpressionAttributeValues={":owner": {"S": scan.owner}}
                | {f":{name}": {"S": text} for name, text in values.items()},
            )
        except ClientError as error:
            if clients.error_code(error) != "ConditionalCheckFailedException":
                raise


class BucketUploads:
    """The app's upload desk."""

    def __init__(self, bucket: str, table: str, max_bytes: int, results_bucket: str | None = None) -> None:
        self._bucket = bucket
        self._table = table
        self._max_bytes = max_bytes
        self._folders = BucketFolders(results_bucket, table) if results_bucket else None

    @property
    def origin(self) -> str:
        """Scheme and host that forms are posted to: what a page must be allowed to reach."""
        parts = urlsplit(self._sign("x", [], {})["url"])
        return f"{parts.scheme}://{parts.netloc}"

    def create(self, owner: str, *, content_type: str, size: int | None) -> Upload:
        """A form for one scan, good for 15 minutes.

        S3 itself holds the sender to the policy that is signed here: key, type and metadata are fixed, and the size is `size`, or
        from 1 to the limit (S3 API Reference, "Creating a POST policy").
        """
        job_id, begun = new_id(), datetime.now(UTC)
        expires = begun + timedelta(seconds=UPLOAD_SECONDS)
        fixed = {"Content-Type": content_type, f"x-amz-meta-{OWNER_METADATA}": owner, f"x-amz-meta-{JOB_METADATA}": job_id}
        sizes: list[Any] = [["content-length-range", size or 1, size or self._max_bytes]]
        form = self._sign(UPLOADS_PREFIX + job_id, sizes, fixed)
        item: dict[str, AttributeValueTypeDef] = {
            **_key(job_id),
            "owner": {"S": owner},
            "state": {"S": "queued"},
            "created": {"S": written(begun)},
            "deadline": {"S": written(expires)},
            "expires": {"N": str(int((begun + timedelta(days=KEPT_DAYS)).timestamp()))},
        }
        clients.dynamodb().put_item(TableName=self._table, Item=item)
        limit = size or self._max_bytes
        return Upload(job_id=job_id, url=form["url"], fields=form["fields"], max_bytes=limit, expires=written(expires))

    def status(self, job_id: str, owner: str) -> Job | None:
        """The owner's job: an upload or a folder; or None."""
        item = clients.dynamodb().get_item(TableName=self._table, Key=_key(job_id), ConsistentRead=True).get("Item")
        if item is None:
            return self._folders.status(job_id, owner) if self._folders else None
        return _job(job_id, item) if item["owner"]["S"] == owner else None

    def _sign(self, key: str, conditions: list[Any], fixed: dict[str, str]) -> dict[str, Any]:
        return clients.s3().generate_presigned_post(
            self._bucket,
            key,
            Fields=dict(fixed),
            Conditions=[*conditions, *({name: value} for name, value in fixed.items())],
            ExpiresIn=UPLOAD_SECONDS,
        )


def _key(job_id: str) -> "dict[str, AttributeValueTypeDef]":
    return {"pk": {"S": f"job#{job_id}"}, "sk": {"S": ONLY}}


def _job(job_id: str, item: "Mapping[str, AttributeValueTypeDef]") -> Job:
    state = _state(item)
    return Job(
        id=job_id,
        state=state,
        created=item["created"]["S"],
        expires=item["deadline"]["S"],
        done=int(state == "done"),
        rejected=int(state == "rejected"),
        finding_id=item["finding_id"]["S"] if state == "done" else None,
        problem=_problem(state, item),
    )


def _state(item: "Mapping[str, AttributeValueTypeDef]") -> JobState:
    state: JobState = item["state"]["S"]  # type: ignore[assignment]
    if state == "queued" and item["deadline"]["S"] < written(datetime.now(UTC)):
        return "expired"
    return "failed" if state == "running" and silent(item["heard"]["S"]) else state


def _problem(state: JobState, item: "Mapping[str, AttributeValueTypeDef]") -> dict[str, Any] | None:
    if state == "failed":
        return problem(InternalError())
    told: dict[str, Any] | None = json.loads(item["problem"]["S"]) if state == "rejected" else None
    return told
