"""What an operator does with buckets and queues, from a terminal."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from lambda_src.aws import clients
from lambda_src.aws.failures import FailuresTable
from lambda_src.aws.folders import BucketFolders, keys_below
from lambda_src.aws.scans import RESULTS_PREFIX
from lambda_src.batch.events import UnknownEvent, parse_body

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_HIDDEN_S: Final = 60
"""How long messages stay hidden while they are looked at or moved; they come back by themselves if we are stopped."""
_RECEIVE: Final = 10
_WAIT_S: Final = 1
"""Any wait makes SQS ask all of its servers; without one it may say that nothing is there when something is."""


class OperatorError(Exception):
    """What went wrong, in one line for a terminal."""


@dataclass(frozen=True)
class Remote:
    """An object as a listing tells of it."""

    size: int
    modified: datetime


@dataclass(frozen=True)
class DeadLetter:
    """A message that was set aside: why, and the scans that it is about."""

    message_id: str
    reason: str
    keys: tuple[str, ...]


@contextmanager
def in_words() -> Iterator[None]:
    """Turn AWS's errors into one line."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise OperatorError(f"AWS refused or did not answer: {clients.error_code(error)}.") from error


def listing(bucket: str, prefix: str) -> Mapping[str, Remote]:
    """Objects below a prefix."""
    pages = clients.s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {entry["Key"]: Remote(entry["Size"], entry["LastModified"]) for page in pages for entry in page.get("Contents", [])}


def upload(path: Path, bucket: str, key: str) -> None:
    """Put a file in a bucket.

    Raises:
        OSError: the file can't be read.
        OperatorError: S3 does not take it; says its code.
    """
    with path.open("rb") as file:
        try:
            clients.s3().put_object(Bucket=bucket, Key=key, Body=file)
        except (ClientError, BotoCoreError) as error:
            raise OperatorError(clients.error_code(error)) from error


def put(bucket: str, key: str, body: bytes) -> None:
    """Put bytes in a bucket."""
    clients.s3().put_object(Bucket=bucket, Key=key, Body=body)


def results(bucket: str, table: str, prefix: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Keys of scans below a prefix with their results, in the order of their keys."""
    found = keys_below(bucket, RESULTS_PREFIX + prefix)
    yield from BucketFolders(bucket, table).bodies(key.removeprefix(RESULTS_PREFIX).removesuffix(".json") for key in found)


class DeadLetters:
    """The dead-letter queue of a queue, found by the queue's own redrive policy."""

    def __init__(self, queue_url: str, table: str) -> None:
        self._queue_url = queue_url
        self._failures = FailuresTable(table)
        attributes = (
            clients.sqs().get_queue_attributes(QueueUrl=queue_url, AttributeNames=["RedrivePolicy"]).get("Attributes", {})
        )
        if "RedrivePolicy" not in attributes:
            raise OperatorError("The queue has no dead-letter queue.")
        arn = json.loads(attributes["RedrivePolicy"])["deadLetterTargetArn"]
        self._url = clients.sqs().get_queue_url(QueueName=arn.rsplit(":", 1)[-1])["QueueUrl"]

    def look(self) -> list[DeadLetter]:
        """What lies there, left where it is."""
        messages = list(self._receive())
        letters = [self._letter(message) for message in messages]
        for message in messages:
            clients.sqs().change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )
        return letters

    def redrive(self) -> int:
        """Put every message back in its queue. Being stopped in between makes one come twice, which does no harm.

        Returns:
            The number of messages.
        """
        moved = 0
        for message in self._receive():
            clients.sqs().send_message(QueueUrl=self._queue_url, MessageBody=message["Body"])
            clients.sqs().delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
        return moved

    def _receive(self) -> "Iterator[MessageTypeDef]":
        seen: set[str] = set()
        while True:
            received = clients.sqs().receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=_RECEIVE, VisibilityTimeout=_HIDDEN_S, WaitTimeSeconds=_WAIT_S
            )
            fresh = [message for message in received.get("Messages", []) if message["MessageId"] not in seen]
            if not fresh:
                return
            seen |= {message["MessageId"] for message in fresh}
            yield from fresh

    def _letter(self, message: "MessageTypeDef") -> DeadLetter:
        try:
            keys = tuple(event.key for event in parse_body(message["Body"]))
        except UnknownEvent:
            keys = ()
        reason = self._failures.reason(message["MessageId"]) or "no reason kept: the function was stopped before it could say"
        return DeadLetter(message["MessageId"], reason, keys)
