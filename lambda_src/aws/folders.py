"""Folders in S3 and their jobs in the table."""

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from lambda_src.aws import clients
from lambda_src.aws.findings import ONLY
from lambda_src.aws.scans import OWNER_METADATA, RESULTS_PREFIX, result_key
from lambda_src.batch.folders import JOBS_PREFIX, MANIFEST_NAME, Progress
from lambda_src.batch.ports import DEFAULT_OWNER
from lambda_src.errors import BadRequest, InternalError, problem
from lambda_src.jobs import SILENT_SECONDS, UPLOAD_SECONDS, Job, JobState

SUMMARIES_PREFIX = "summaries/"
_MISSING = frozenset({"NoSuchKey", "404"})
_READERS = 16
_READ_AHEAD = 256


class BucketFolders:
    """Folder jobs: manifests in the bucket of scans, results and summaries in the other, jobs in the table."""

    def __init__(self, results_bucket: str, table: str) -> None:
        self._results = results_bucket
        self._table = table

    def manifest(self, bucket: str, folder: str) -> tuple[bytes, str] | None:
        """A folder's manifest and its owner, or None where it has none."""
        try:
            found = clients.s3().get_object(Bucket=bucket, Key=folder + MANIFEST_NAME)
        except ClientError as error:
            if clients.error_code(error) in _MISSING:
                return None
            raise
        return found["Body"].read(), found["Metadata"].get(OWNER_METADATA, DEFAULT_OWNER)

    def finished(self, folder: str) -> set[str]:
        """Keys of the scans below a folder that have a result."""
        return {
            key.removeprefix(RESULTS_PREFIX).removesuffix(".json") for key in keys_below(self._results, RESULTS_PREFIX + folder)
        }

    def bodies(self, keys: Iterable[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Each scan's key and its result, as they come; few are held at a time."""
        source = iter(keys)
        with ThreadPoolExecutor(_READERS) as pool:
            while names := list(islice(source, _READ_AHEAD)):
                yield from zip(names, pool.map(self._body, names), strict=True)

    def keep(self, folder: str, progress: Progress) -> None:
        """Keep how far a folder is, unless somebody who looked later was faster and has kept that it is further."""
        values = {"total": progress.total, "done": progress.done, "rejected": progress.rejected}
        try:
            clients.dynamodb().update_item(
                TableName=self._table,
                Key=_key(folder),
                UpdateExpression=(
                    "SET #owner = :owner, created = if_not_exists(created, :now), heard = :now, problem = :problem, "
                    + ", ".join(f"#{name} = :{name}" for name in values)
                ),
                ConditionExpression="attribute_not_exists(#done) OR #done <= :done OR #total <> :total",
                ExpressionAttributeNames={"#owner": "owner"} | {f"#{name}": name for name in values},
                ExpressionAttributeValues={
                    ":owner": {"S": progress.owner},
                    ":now": {"S": written(datetime.now(UTC))},
                    ":problem": {"S": progress.problem} if progress.problem else {"NULL": True},
                }
                | {f":{name}": {"N": str(value)} for name, value in values.items()},
            )
        except ClientError as error:
            if clients.error_code(error) != "ConditionalCheckFailedException":
                raise

    def summarise(self, folder: str, ending: str, text: str) -> None:
        """Keep a folder's summary: `summaries/jobs/NAME.csv` or `.ndjson` in the results bucket."""
        clients.s3().put_object(Bucket=self._results, Key=_summary_key(folder, ending), Body=text.encode())

    def status(self, name: str, owner: str) -> Job | None:
        """The owner's job of the folder `jobs/NAME/`, or None."""
        folder = f"{JOBS_PREFIX}{name}/"
        item = clients.dynamodb().get_item(TableName=self._table, Key=_key(folder), ConsistentRead=True).get("Item")
        if item is None or item["owner"]["S"] != owner:
            return None
        total, done, rejected = (int(item[field]["N"]) for field in ("total", "done", "rejected"))
        state, told = _state(total, done, of_manifest=item["problem"].get("S"), heard=item["heard"]["S"])
        return Job(
            id=name,
            state=state,
            created=item["created"]["S"],
            total=total,
            done=done - rejected,
            rejected=rejected,
            problem=told,
            results={ending: self._address(folder, ending) for ending in ("csv", "ndjson")} if state == "done" else None,
        )

    def _address(self, folder: str, ending: str) -> str:
        where = {"Bucket": self._results, "Key": _summary_key(folder, ending)}
        return clients.s3().generate_presigned_url("get_object", Params=where, ExpiresIn=UPLOAD_SECONDS)

    def _body(self, key: str) -> Mapping[str, Any]:
        body: Mapping[str, Any] = json.loads(clients.s3().get_object(Bucket=self._results, Key=result_key(key))["Body"].read())
        return body


def written(time: datetime) -> str:
    """A time in UTC, RFC 3339 to the second: as it is kept, sorted and sent."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def silent(heard: str) -> bool:
    """Whether nothing has been heard of a job for too long, given when something was heard last."""
    return heard < written(datetime.now(UTC) - timedelta(seconds=SILENT_SECONDS))


def keys_below(bucket: str, prefix: str) -> Iterator[str]:
    """Keys of all objects below a prefix."""
    for page in clients.s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            yield entry["Key"]


def _state(total: int, done: int, *, of_manifest: str | None, heard: str) -> tuple[JobState, dict[str, Any] | None]:
    """How a folder is, and its problem: its manifest's, or that it does not get on."""
    if of_manifest:
        return "rejected", problem(BadRequest(of_manifest))
    if 0 < total == done:
        return "done", None
    if not silent(heard):
        return "running", None
    detail = f"Nothing was heard for {SILENT_SECONDS // 60} min of {total - done} scans: they were set aside, or never came."
    return "failed", problem(InternalError()) | {"detail": detail}


def _key(folder: str) -> dict[str, Any]:
    return {"pk": {"S": f"folder#{folder}"}, "sk": {"S": ONLY}}


def _summary_key(folder: str, ending: str) -> str:
    return f"{SUMMARIES_PREFIX}{folder.rstrip('/')}.{ending}"
