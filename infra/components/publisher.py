"""Puts a model bundle into the model bucket, after the image itself has loaded it and checked its golden answers."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra.components.function import ImageFunction
from infra.components.grants import read_prefix, write_prefix
from infra.config import BUNDLES_PREFIX, Environment, FunctionSize
from infra.model import Model

SIZE = FunctionSize(memory_mib=1_769, timeout_s=300)


class Publisher(Construct):
    """A custom resource that fails the deploy when the bundle is refused, before any function would read it."""

    def __init__(self, scope: Construct, id: str, *, env: Environment, key: kms.IKey, bucket: s3.IBucket, model: Model) -> None:
        super().__init__(scope, id)
        self.worker = ImageFunction(
            self,
            "Worker",
            env=env,
            command="lambda_src.handlers.publish.handler",
            size=SIZE,
            key=key,
            variables={},
            description="Checks a model bundle and puts it into the model bucket",
        )
        function = self.worker.function
        read_prefix(function, bucket=bucket, prefix=BUNDLES_PREFIX, key=key)
        write_prefix(function, bucket=bucket, prefix=BUNDLES_PREFIX, key=key)
        archive = None
        if model.folder is not None:
            others = ["*", *(f"!{name}" for name in model.files)]
            folder, docker = str(model.folder), cdk.IgnoreMode.DOCKER
            archive = assets.Asset(self, "Bundle", path=folder, exclude=others, ignore_mode=docker)
            source = archive.bucket.arn_for_objects(archive.s3_object_key)
            function.add_to_role_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=[source]))
        self.resource = cdk.CustomResource(
            self,
            "Published",
            service_token=function.function_arn,
            properties={
                "Uri": f"s3://{bucket.bucket_name}/{model.prefix}",
                "Sha256": model.sha256,
                "Archive": archive.s3_object_url if archive else "",
            },
        )
        self.uri = f"s3://{bucket.bucket_name}/{model.prefix}"
