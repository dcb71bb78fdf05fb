"""A Lambda function from the project's one image."""

from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_ecr_assets as assets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.components.logs import log_group
from infra.config import Environment, FunctionSize
from infra.nag import accept

ROOT = Path(__file__).parents[2]
_PLATFORMS = {"x86_64": assets.Platform.LINUX_AMD64, "arm64": assets.Platform.LINUX_ARM64}
_ARCHITECTURES = {"x86_64": lambda_.Architecture.X86_64, "arm64": lambda_.Architecture.ARM_64}


class ImageFunction(Construct):
    """One command of the image, with its own role, log group and tracing."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        env: Environment,
        command: str,
        size: FunctionSize,
        key: kms.IKey,
        variables: Mapping[str, str],
        description: str,
    ) -> None:
        super().__init__(scope, id)
        self.log_group = log_group(self, "Logs", env=env, key=key)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.log_group.grant_write(role)
        self.function = lambda_.DockerImageFunction(
            self,
            "Function",
            code=image(env, command),
            role=role,
            architecture=_ARCHITECTURES[env.architecture],
            memory_size=size.memory_mib,
            timeout=cdk.Duration.seconds(size.timeout_s),
            reserved_concurrent_executions=size.reserved_concurrency,
            environment=dict(variables),
            log_group=self.log_group,
            tracing=lambda_.Tracing.ACTIVE,
            description=description,
        )
        _accept_for_functions(self, reserved=size.reserved_concurrency is not None)


def image(env: Environment, command: str) -> lambda_.DockerImageCode:
    """The image, built from the repository's root with what `.dockerignore` lets in."""
    return lambda_.DockerImageCode.from_image_asset(
        str(ROOT), file="lambda_src/Dockerfile", cmd=[command], exclude=["training"], platform=_PLATFORMS[env.architecture]
    )


def _accept_for_functions(scope: Construct, *, reserved: bool) -> None:
    accept(
        scope,
        "The function calls AWS's own endpoints over TLS and nothing else; it has no way into a hospital's network. In a "
        "VPC it would need five interface endpoints or a NAT, and be no less reachable. Its role, not its network, limits it.",
        "HIPAA.Security-LambdaInsideVPC",
    )
    accept(
        scope,
        "Nothing invokes it asynchronously: API Gateway, CloudFormation and Step Functions wait for its answer, and SQS has a "
        "dead-letter queue of its own.",
        "HIPAA.Security-LambdaDLQ",
    )
    accept(
        scope,
        "X-Ray takes no resource: the two actions that Lambda's tracing needs are allowed on * by AWS's own reference only.",
        "AwsSolutions-IAM5[Resource::*]",
    )
    accept(
        scope,
        "Grants live beside the role they are for, in one inline policy each, so that one review shows a function's every right.",
        "HIPAA.Security-IAMNoInlinePolicy",
    )
    if not reserved:
        accept(
            scope,
            "No reservation: it runs at a deploy only, or in a new account, whose quota may be 10 and allows none. Batch is held "
            "by its event source's maximum concurrency all the same.",
            "HIPAA.Security-LambdaConcurrency",
        )
