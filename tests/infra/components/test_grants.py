"""What each role may do, spelled out: a right more or less is a change of this file."""

import json
import re

import pytest

READ = {"s3:GetObject", "s3:GetObjectVersion"}
KEY = {"kms:Decrypt", "kms:GenerateDataKey"}
TRACES = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
DELIVERY = {f"logs:{verb}LogDelivery" for verb in ("Create", "Delete", "Get", "Update")} | {"logs:ListLogDeliveries"}
DELIVERY |= {"logs:DescribeLogGroups", "logs:DescribeResourcePolicies", "logs:PutResourcePolicy"}
WORKFLOW = TRACES | DELIVERY | {"xray:GetSamplingRules", "xray:GetSamplingTargets"}
FUNCTION = {"logs": LOGS, "*": TRACES, "key": KEY}
EXPECTED = {
    "Inference/Scans": FUNCTION
    | {
        "models/bundles/*": READ,
        "results/summaries/*": READ,
        "scans/uploads/*": {"s3:PutObject"},
        "table": {"dynamodb:GetItem", "dynamodb:PutItem"},
    },
    "Batch/Scans": FUNCTION
    | {
        "models/bundles/*": READ,
        "scans/*": READ,
        "scans": {"s3:ListBucket"},
        "results/findings/*": READ | {"s3:PutObject"},
        "results/summaries/*": {"s3:PutObject"},
        "results": {"s3:ListBucket"},
        "table": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
        "queue": {
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:GetQueueUrl",
            "sqs:ReceiveMessage",
        },
    },
    "Model/Publisher": FUNCTION
    | {"models/bundles/*": READ | {"s3:PutObject"}, "results/training/*": READ, "the deploy's archive": {"s3:GetObject"}},
    "Backfill/Backfill": {
        "*": WORKFLOW,
        "key": KEY,
        "batch": {"lambda:InvokeFunction"},
        "scans": {"s3:ListBucket"},
        "results/backfill/*": {"s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"},
        "stateMachine:retinal-oct-production-backfill": {"states:StartExecution"},
        "execution:retinal-oct-production-backfill/*": {f"states:{verb}Execution" for verb in ("Describe", "Redrive", "Stop")},
        "execution:retinal-oct-production-backfill:*": {f"states:{verb}Execution" for verb in ("Describe", "Redrive", "Stop")},
    },
    "Training/Rights": {
        "key": KEY,
        "results": {"s3:ListBucket"},
        **{
            f"results/{prefix}/*": {"s3:GetObject", "s3:PutObject"}
            for prefix in ("data", "training", "checkpoints", "evaluations")
        },
        "log-group:/aws/sagemaker/*": LOGS | {"logs:CreateLogGroup"},
        "the deploy's images": {"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"},
        "*": {"ecr:GetAuthorizationToken"},
    },
    "Training/Training": {
        "*": WORKFLOW,
        "key": KEY,
        "results/evaluations/*": {"s3:GetObject"},
        "publisher": {"lambda:InvokeFunction"},
        "job role": {"iam:PassRole"},
        "topic": {"sns:Publish"},
        **{
            f"{kind.lower()}-job/*": {
                "sagemaker:AddTags",
                *(f"sagemaker:{verb}{kind}Job" for verb in ("Create", "Describe", "Stop")),
            }
            for kind in ("Training", "Processing")
        },
        **{
            f"rule/StepFunctionsGetEventsForSageMaker{kind}JobsRule": {
                "events:DescribeRule",
                "events:PutRule",
                "events:PutTargets",
            }
            for kind in ("Training", "Processing")
        },
    },
}
NAMES = {
    "Findings": "table", "DataKey": "key", "IntakeQueue": "queue", "cdk-hnb659fds-assets": "the deploy's archive",
    "cdk-hnb659fds-container-assets": "the deploy's images", "RolloutAlias": "batch", "PublisherWorkerFunction": "publisher",
    "RightsRole": "job role", "Alerts": "topic",
}  # fmt: skip


def name_of(resource):
    text = json.dumps(resource)
    bucket = next((kind for kind in ("Scans", "Results", "Models") if f"Buckets{kind}" in text), None)
    if bucket is not None:
        prefix = re.search(r"\"(/[^\"]*)\"\]", text)
        return bucket.lower() + (prefix.group(1) if prefix else "")
    for part, name in NAMES.items():
        if part in text:
            return name
    if resource == "*" or "Fn::GetAtt" in text:
        return "*" if resource == "*" else "logs"
    return text.removesuffix('"]]}').rpartition('":')[2].rpartition('"')[2].removeprefix(":")


def listed(value):
    return value if isinstance(value, list) else [value]


def rights(assembly, role):
    found: dict[str, set[str]] = {}
    for where, statement in assembly.statements():
        if where.startswith(role):
            for resource in listed(statement["Resource"]):
                found.setdefault(name_of(resource), set()).update(listed(statement["Action"]))
    return found


@pytest.mark.parametrize("role", EXPECTED)
def test_a_role_may_do_this_and_no_more(production, role):
    assert rights(production, role) == EXPECTED[role]


def test_the_job_s_role_is_passed_to_sagemaker_alone(production):
    (passing,) = (item for _, item in production.statements() if item["Action"] == "iam:PassRole")
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
