"""Training in the cloud: a job on spot machines, its evaluation, the gate, the publisher."""

import aws_cdk as cdk
from constructs import Construct

from infra.components.synthesizer import stack_props
from infra.components.training import Parts, definition
from infra.components.training_rights import TrainingRights
from infra.components.workflow import Workflow
from infra.config import Environment
from infra.nag import accept, accept_prefix
from infra.stacks.model import ModelStack
from infra.stacks.storage import StorageStack

SAGEMAKER_EVENTS = ("StepFunctionsGetEventsForSageMakerTrainingJobsRule", "StepFunctionsGetEventsForSageMakerProcessingJobsRule")
"""The rules by which Step Functions waits for a job (Step Functions Developer Guide, "IAM policies for SageMaker")."""
_JOBS = "arn:<AWS::Partition>:sagemaker:<AWS::Region>:<AWS::AccountId>"


class TrainingStack(cdk.Stack):
    """From data to a published bundle."""

    def __init__(self, scope: Construct, id: str, *, env: Environment, storage: StorageStack, model: ModelStack) -> None:
        super().__init__(scope, id, **stack_props(env))
        bucket, publisher = storage.buckets.results, model.publisher.worker.function
        rights = TrainingRights(self, "Rights", key=storage.key, bucket=bucket)
        parts = Parts(
            role_arn=rights.role.role_arn,
            image=rights.image.image_uri,
            revision=f"image {rights.image.asset_hash[:16]}",
            bucket=bucket.bucket_name,
            models_bucket=storage.buckets.models.bucket_name,
            key_arn=storage.key.key_arn,
            publisher_arn=publisher.function_arn,
            topic_arn=storage.alerts.topic_arn,
            approval=env.approval,
        )
        name = f"retinal-oct-{env.name}-training"
        workflow = Workflow(
            self, "Training", env=env, key=storage.key, topic=storage.alerts, name=name, definition=definition(parts)
        )
        for kind in ("training", "processing"):
            jobs = self.format_arn(service="sagemaker", resource=f"{kind}-job", resource_name="*")
            actions = [f"sagemaker:{verb}{kind.title()}Job" for verb in ("Create", "Describe", "Stop")]
            workflow.allow([*actions, "sagemaker:AddTags"], jobs)
            accept(
                workflow,
                "A job is named by the execution that starts it; the star stands for those names and nothing else.",
                f"AwsSolutions-IAM5[Resource::{_JOBS}:{kind}-job/*]",
            )
        to_jobs = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        workflow.allow(["iam:PassRole"], rights.role.role_arn, conditions=to_jobs)
        rules = [self.format_arn(service="events", resource="rule", resource_name=name) for name in SAGEMAKER_EVENTS]
        workflow.allow(["events:PutTargets", "events:PutRule", "events:DescribeRule"], *rules)
        workflow.allow(["s3:GetObject"], bucket.arn_for_objects("evaluations/*"))
        accept_prefix(workflow, bucket, "evaluations/")
        workflow.allow(["kms:Decrypt", "kms:GenerateDataKey"], storage.key.key_arn)
        workflow.allow(["lambda:InvokeFunction"], publisher.function_arn)
        if env.approval:
            workflow.allow(["sns:Publish"], storage.alerts.topic_arn)
