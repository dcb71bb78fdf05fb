"""The training workflow: train on spot machines, evaluate, gate, ask, publish."""

from dataclasses import dataclass
from typing import Any

LEAST_ACCURACY = 0.95
LEAST_RECALL = 0.90
INSTANCE = "ml.g5.xlarge"
VOLUME_GIB = 200
RUN_HOURS = 24
APPROVAL_DAYS = 7
ARCHIVES_PREFIX = "training/"
"""Where SageMaker leaves what a job made."""
_INPUT, _MODEL, _REPORT = "/opt/ml/processing/input", "/opt/ml/processing/model", "/opt/ml/processing/report"
_COMMAND = ("python3", "-m", "training.container")


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the workflow works with."""

    role_arn: str
    image: str
    revision: str
    bucket: str
    models_bucket: str
    key_arn: str
    publisher_arn: str
    topic_arn: str
    approval: bool


def definition(parts: Parts) -> dict[str, Any]:
    """The definition in Amazon States Language, in JSONata.

    Its input is `{"name": ..., "data": "s3://bucket/prefix", "evaluation": "s3://bucket/prefix", "hyperparameters": {...}}`. The
    data for evaluation is of other patients than the data for training; `training.evaluate` leaves out what it knows by hash.
    Its output is the name that a deploy takes: `{"model": "bundles/NAME@SHA256"}`.
    """
    after_gate = "Approve" if parts.approval else "Publish"
    states = {"Train": _train(parts), "Evaluate": _evaluate(parts), "Read": _read(parts), "Gate": _gate(after_gate)}
    states |= {
        "Publish": _publish(parts),
        "Refused": {"Type": "Fail", "Error": "Refused", "Cause": "The model did not pass the gate."},
    }
    if parts.approval:
        states["Approve"] = _approve(parts)
    return {"Comment": "Trains a model and publishes it", "QueryLanguage": "JSONata", "StartAt": "Train", "States": states}


def _train(parts: Parts) -> dict[str, Any]:
    channel = {
        "ChannelName": "labelled",
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": "{% $states.input.data %}",
                "S3DataDistributionType": "FullyReplicated",
            }
        },
    }
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
        "Assign": {
            "job": "{% $states.context.Execution.Input %}",
            "archive": "{% $states.result.ModelArtifacts.S3ModelArtifacts %}",
        },
        "Arguments": {
            "TrainingJobName": "{% $states.input.name %}",
            "RoleArn": parts.role_arn,
            "AlgorithmSpecification": {
                "TrainingImage": parts.image,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": [*_COMMAND, "train"],
            },
            "Environment": {"OCT_REVISION": parts.revision},
            "HyperParameters": "{% $states.input.hyperparameters %}",
            "InputDataConfig": [channel],
            "OutputDataConfig": {"S3OutputPath": f"s3://{parts.bucket}/{ARCHIVES_PREFIX.rstrip('/')}", "KmsKeyId": parts.key_arn},
            "CheckpointConfig": {"S3Uri": f"{{% 's3://{parts.bucket}/checkpoints/' & $states.input.name %}}"},
            "ResourceConfig": {"InstanceType": INSTANCE, "InstanceCount": 1, "VolumeSizeInGB": VOLUME_GIB},
            "EnableManagedSpotTraining": True,
            "EnableNetworkIsolation": True,
            "StoppingCondition": {"MaxRuntimeInSeconds": RUN_HOURS * 3600, "MaxWaitTimeInSeconds": 2 * RUN_HOURS * 3600},
        },
        "Next": "Evaluate",
    }


def _evaluate(parts: Parts) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync",
        "Arguments": {
            "ProcessingJobName": "{% $job.name & '-evaluation' %}",
            "RoleArn": parts.role_arn,
            "AppSpecification": {"ImageUri": parts.image, "ContainerEntrypoint": [*_COMMAND, "evaluate"]},
            "ProcessingInputs": [
                _processing_input("data", "{% $job.evaluation %}", _INPUT),
                _processing_input("model", "{% $archive %}", _MODEL),
            ],
            "ProcessingOutputConfig": {
                "KmsKeyId": parts.key_arn,
                "Outputs": [
                    {
                        "OutputName": "report",
                        "S3Output": {
                            "S3Uri": f"{{% 's3://{parts.bucket}/evaluations/' & $job.name %}}",
                            "LocalPath": _REPORT,
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                ],
            },
            "ProcessingResources": {
                "ClusterConfig": {"InstanceType": INSTANCE, "InstanceCount": 1, "VolumeSizeInGB": VOLUME_GIB}
            },
            "NetworkConfig": {"EnableNetworkIsolation": True},
        },
        "Next": "Read",
    }


def _processing_input(name: str, uri: str, path: str) -> dict[str, Any]:
    return {"InputName": name, "S3Input": {"S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File"}}


def _read(parts: Parts) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
        "Arguments": {"Bucket": parts.bucket, "Key": "{% 'evaluations/' & $job.name & '/evaluation.json' %}"},
        "Output": "{% $parse($states.result.Body) %}",
        "Next": "Gate",
    }


def _gate(following: str) -> dict[str, Any]:
    least_recall = "$min($each($states.input.recall, function($v) { $v.value }))"
    passed = f"{{% $states.input.top_class_accuracy.value >= {LEAST_ACCURACY} and {least_recall} >= {LEAST_RECALL} %}}"
    return {"Type": "Choice", "Choices": [{"Condition": passed, "Next": following}], "Default": "Refused"}


def _approve(parts: Parts) -> dict[str, Any]:
    command = "aws stepfunctions send-task-success --task-output {} --task-token "
    text = f"{{% 'Publish ' & $job.name & '? If so: {command}' & $states.context.Task.Token %}}"
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish.waitForTaskToken",
        "Arguments": {"TopicArn": parts.topic_arn, "Subject": "A model waits for approval", "Message": text},
        "TimeoutSeconds": APPROVAL_DAYS * 86_400,
        "Next": "Publish",
    }


def _publish(parts: Parts) -> dict[str, Any]:
    payload = {"Archive": "{% $archive %}", "Uri": f"{{% 's3://{parts.models_bucket}/bundles/' & $job.name %}}", "Sha256": ""}
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": parts.publisher_arn, "Payload": payload},
        "Output": "{% {'model': 'bundles/' & $job.name & '@' & $states.result.Payload.Sha256} %}",
        "End": True,
    }
