"""What a training job may touch, and the repository its image comes from."""

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.components.encryption import removal
from infra.config import Environment
from infra.nag import accept, accept_prefix

LOG_GROUPS = f"arn:{cdk.Aws.PARTITION}:logs:*:*:log-group:/aws/sagemaker/*"
DATA_PREFIXES = ("data/", "training/", "checkpoints/", "evaluations/")


class TrainingRights(Construct):
    """The image's repository, scanned on push, and the role of SageMaker's jobs."""

    def __init__(self, scope: Construct, id: str, *, env: Environment, key: kms.IKey, bucket: s3.IBucket) -> None:
        super().__init__(scope, id)
        self.repository = ecr.Repository(
            self,
            "Repository",
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            encryption=ecr.RepositoryEncryption.KMS,
            encryption_key=key,
            removal_policy=removal(env),
            empty_on_delete=not env.keep_data,
        )
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
        objects = [bucket.arn_for_objects(f"{prefix}*") for prefix in DATA_PREFIXES]
        self._allow(["s3:GetObject", "s3:PutObject"], *objects)
        self._allow(["s3:ListBucket"], bucket.bucket_arn)
        self._allow(["kms:Decrypt", "kms:GenerateDataKey"], key.key_arn)
        self._allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], LOG_GROUPS)
        self.repository.grant_pull(self.role)
        for prefix in DATA_PREFIXES:
            accept_prefix(self.role, bucket, prefix)
        accept(
            self.role,
            "SageMaker names its own log streams, in its own group; logging in to ECR takes no resource.",
            f"AwsSolutions-IAM5[Resource::{LOG_GROUPS.replace(cdk.Aws.PARTITION, '<AWS::Partition>')}]",
            "AwsSolutions-IAM5[Resource::*]",
        )
        accept(
            self.role,
            "Rights live beside the role they are for, so that one review shows all of them.",
            "HIPAA.Security-IAMNoInlinePolicy",
        )

    def _allow(self, actions: list[str], *resources: str) -> None:
        self.role.add_to_policy(iam.PolicyStatement(actions=actions, resources=list(resources)))
