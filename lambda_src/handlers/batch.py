"""Lambda's entry point for scans dropped in a bucket: SQS messages that carry S3 events.

A message succeeds when every object that it tells of has its finding or its rejection. What fails for our fault is reported by
message (partial batch response), so that SQS delivers just those again and, in the end, sets them aside in the dead-letter queue.
"""

import os
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from lambda_src.aws.bundle import open_classifier
from lambda_src.aws.clients import error_code
from lambda_src.aws.failures import FailuresTable
from lambda_src.aws.findings import FindingsTable
from lambda_src.aws.folders import BucketFolders
from lambda_src.aws.metrics import MeteredClassifier
from lambda_src.aws.scans import BucketResults, BucketScans
from lambda_src.aws.uploads import JobsTable
from lambda_src.batch.messages import work_through
from lambda_src.batch.worker import Limits, Stores, Worker
from lambda_src.settings import Settings

IN_LAMBDA = "AWS_LAMBDA_FUNCTION_NAME" in os.environ
"""Only Lambda's log makes metrics of lines; on a terminal they would be noise."""

logger = Logger(service="oct-batch")


@dataclass(frozen=True)
class Parts:
    """What the handler works with."""

    worker: Worker
    folders: BucketFolders
    failures: FailuresTable


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Work through a batch of SQS messages.

    Returns:
        The partial batch response: `batchItemFailures` with the ids of messages to deliver again.

    Raises:
        BundleRefused: the model can't be loaded; every message is then delivered again.
    """
    built = parts(Settings())
    bodies = {record["messageId"]: record["body"] for record in event["Records"]}
    done = work_through(bodies, built.worker, built.folders)

    def check(record: SQSRecord) -> None:
        error = done.failures.get(record.message_id)
        if error is not None:
            _note(built.failures, record.message_id, error)
            raise error

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    response = process_partial_response(event, check, processor, context)
    logger.info("batch done", messages=len(bodies), failed=len(done.failures), endings=dict(done.endings))
    return dict(response)


@lru_cache(maxsize=1)
def parts(settings: Settings) -> Parts:
    """The process's parts, built once."""
    table, results = settings.table, settings.results_bucket
    if table is None or results is None or results == settings.input_bucket:
        raise RuntimeError("The batch handler needs OCT_TABLE, and an OCT_RESULTS_BUCKET that is not OCT_INPUT_BUCKET.")
    classifier = open_classifier(settings.model_uri, settings.model_sha256)
    worker = Worker(
        MeteredClassifier(classifier, "oct-batch") if IN_LAMBDA else classifier,
        Stores(BucketScans(), FindingsTable(table), BucketResults(results), JobsTable(table)),
        Limits(
            settings.input_bucket,
            settings.max_bytes,
            settings.max_pixels,
            decoders=os.cpu_count() or 1,
            prefix=settings.input_prefix,
            results_bucket=results,
        ),
    )
    return Parts(worker, BucketFolders(results, table), FailuresTable(table))


def _note(failures: FailuresTable, message_id: str, error: Exception) -> None:
    """Say why a message failed: AWS's code or the error's class, since botocore's own words can name a key."""
    reason = error_code(error)
    logger.warning("message failed", message_id=message_id, error=reason)
    failures.note(message_id, reason)


if IN_LAMBDA:  # load at init, which has the whole CPU, not in the first invocation
    parts(Settings())
