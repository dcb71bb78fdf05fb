"""The state machine for millions of scans that lie in the bucket already: a Distributed Map over an inventory or a prefix."""

from typing import Any

ITEMS_PER_BATCH = 32
TOLERATED_FAILURE_PERCENT = 1
RESULTS_PREFIX = "backfill/"
_EVENT = (
    "{% $string({'source': 'aws.s3', 'detail-type': 'Object Created', 'detail': {'bucket': {'name': $states.input.bucket}, "
    "'object': {'key': $states.context.Map.Item.Value.Key}}}) %}"
)
"""EventBridge's shape of an S3 event: the batch function takes it as it takes the queue's, and it encodes no keys."""


def definition(*, function_arn: str, results_bucket: str, max_concurrency: int) -> dict[str, Any]:
    """The definition in Amazon States Language, in JSONata.

    Its input is `{"bucket": ..., "prefix": ...}`. Every batch goes to the batch function as the queue's messages would; the
    function is idempotent, so a batch may be sent again, and an execution can be redriven from where it failed.
    """
    return {
        "Comment": "Classifies every scan under a prefix",
        "QueryLanguage": "JSONata",
        "StartAt": "EachScan",
        "States": {
            "EachScan": {
                "Type": "Map",
                "End": True,
                "MaxConcurrency": max_concurrency,
                "ToleratedFailurePercentage": TOLERATED_FAILURE_PERCENT,
                "ItemReader": {
                    "Resource": "arn:aws:states:::s3:listObjectsV2",
                    "Arguments": {"Bucket": "{% $states.input.bucket %}", "Prefix": "{% $states.input.prefix %}"},
                },
                "ItemSelector": {"messageId": "{% $string($states.context.Map.Item.Index) %}", "body": _EVENT},
                "ItemBatcher": {"MaxItemsPerBatch": ITEMS_PER_BATCH},
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "Classify",
                    "States": _batch(function_arn),
                },
                "ResultWriter": {
                    "Resource": "arn:aws:states:::s3:putObject",
                    "Arguments": {"Bucket": results_bucket, "Prefix": RESULTS_PREFIX.rstrip("/")},
                },
            }
        },
    }


def _batch(function_arn: str) -> dict[str, Any]:
    retry = {
        "ErrorEquals": ["States.TaskFailed"],
        "IntervalSeconds": 2,
        "MaxAttempts": 6,
        "BackoffRate": 2,
        "JitterStrategy": "FULL",
    }
    return {
        "Classify": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {
                "FunctionName": function_arn,
                "Payload": {"Records": "{% $states.input.Items.$merge([$, {'eventSource': 'aws:sqs'}]) %}"},
            },
            "Output": "{% {'failed': $count($states.result.Payload.batchItemFailures)} %}",
            "Retry": [retry],
            "Next": "AllDone",
        },
        "AllDone": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.failed = 0 %}", "Next": "Done"}],
            "Default": "SomeFailed",
        },
        "Done": {"Type": "Succeed"},
        "SomeFailed": {
            "Type": "Fail",
            "Error": "SomeFailed",
            "Cause": "Scans of this batch failed for our fault; redrive the execution.",
        },
    }
