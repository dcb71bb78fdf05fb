"""Lambda's entry point for scans dropped in a bucket: SQS messages that carry S3 events.

A message succeeds when every object that it tells of has its finding or its rejection. What fails for our fault is reported by
message (partial batch response), so that SQS delivers just those again and, in the end, sets them aside in the dead-letter queue.
"""

import os
from functools import lru_cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from lambda_src.aws.bundle import open_classifier
from lambda_src.aws.findings import FindingsTable
from lambda_src.aws.scans import BucketResults, BucketScans
from lambda_src.aws.uploads import JobsTable
from lambda_src.batch.messages import work_through
from lambda_src.batch.worker import Limits, Stores, Worker
from lambda_src.settings import Settings

logger = Logger(service="oct-batch")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Work through a batch of SQS messages.

    Returns:
        The partial batch response: `batchItemFailures` with the ids of messages to deliver again.

    Raises:
        BundleRefused: the model can't be loaded; every message is then delivered again.
    """
    bodies = {record["messageId"]: record["body"] for record in event["Records"]}
    done = work_through(bodies, worker(Settings()))

    def check(record: SQSRecord) -> None:
        error = done.failures.get(record.message_id)
        if error is not None:
            # Its class only: a message of botocore can name a key, and keys count as patient identifiers.
            logger.warning("message failed", message_id=record.message_id, error=type(error).__name__)
            raise error

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    response = process_partial_response(event, check, processor, context)
    logger.info("batch done", messages=len(bodies), failed=len(done.failures), endings=dict(done.endings))
    return dict(response)


@lru_cache(maxsize=1)
def worker(settings: Settings) -> Worker:
    """The process's one worker."""
    if settings.table is None or settings.results_bucket is None:
        raise RuntimeError("The batch handler needs OCT_TABLE and OCT_RESULTS_BUCKET.")
    return Worker(
        open_classifier(settings.model_uri, settings.model_sha256),
        Stores(BucketScans(), FindingsTable(settings.table), BucketResults(settings.results_bucket), JobsTable(settings.table)),
        Limits(settings.input_bucket, settings.max_bytes, settings.max_pixels, decoders=os.cpu_count() or 1),
    )


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:  # in Lambda: load at init, which has the whole CPU, not in the first invocation
    worker(Settings())
