"""The training image, and what a job that runs it may touch."""

import aws_cdk as cdk
from aws_cdk import aws_ecr_assets as assets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.components.function import ROOT
from infra.nag import accept, accept_prefix

CORE = ("__init__.py", "errors.py", "finding.py", "decision.py", "classifier.py", "imaging", "model")
"""Of lambda_src, what training may import: a change of anything else makes no new training image."""
LOG_GROUPS = "/aws/sagemaker/*"
DATA_PREFIXES = ("data/", "training/", "checkpoints/", "evaluations/")


class TrainingRights(Construct):
    """The image, which goes up with a deploy, and the role of SageMaker's jobs."""

    def __init__(self, scope: Construct, id: str, *, key: kms.IKey, bucket: s3.IBucket) -> None:
        super().__init__(scope, id)
        self.image = assets.DockerImageAsset(
            self,
            "Image",
            directory=str(ROOT),
            file="training/Dockerfile",
            exclude=["model_artifacts", "lambda_src/*", *(f"!lambda_src/{part}" for part in CORE)],
            platform=assets.Platform.LINUX_AMD64,
        )
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
        objects = [bucket.arn_for_objects(f"{prefix}*") for prefix in DATA_PREFIXES]
        self._allow(["s3:GetObject", "s3:PutObject"], *objects)
        self._allow(["s3:ListBucket"], bucket.bucket_arn)
        self._allow(["kms:Decrypt", "kms:GenerateDataKey"], key.key_arn)
        logs = cdk.Stack.of(self).format_arn(
            service="logs", resource="log-group", resource_name=LOG_GROUPS, arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
        )
        self._allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], logs)
        self.image.repository.grant_pull(self.role)
        for prefix in DATA_PREFIXES:
            accept_prefix(self.role, bucket, prefix)
        accept(
            self.role,
            "SageMaker names its own log streams, in its own group; logging in to ECR takes no resource.",
            f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:{LOG_GROUPS}]",
            "AwsSolutions-IAM5[Resource::*]",
        )
        accept(
            self.role,
            "Rights live beside the role they are for, so that one review shows all of them.",
            "HIPAA.Security-IAMNoInlinePolicy",
        )

    def _allow(self, actions: list[str], *resources: str) -> None:
        self.role.add_to_policy(iam.PolicyStatement(actions=actions, resources=list(resources)))
