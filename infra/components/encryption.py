"""The one key that all data at rest is encrypted with."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.config import Environment


class DataKey(Construct):
    """A KMS key, rotated yearly, that AWS's own services may use for this account's logs and alarms only."""

    def __init__(self, scope: Construct, id: str, *, env: Environment) -> None:
        super().__init__(scope, id)
        stack = cdk.Stack.of(self)
        self.key = kms.Key(
            self,
            "Key",
            description=f"Retinal OCT, {env.name}: scans, findings, models, logs",
            enable_key_rotation=True,
            removal_policy=removal(env),
        )
        logs = f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:log-group:*"
        self._let(f"logs.{stack.region}.amazonaws.com", "ArnLike", {"kms:EncryptionContext:aws:logs:arn": logs})
        self._let("cloudwatch.amazonaws.com", "StringEquals", {"aws:SourceAccount": stack.account})

    def _let(self, service: str, operator: str, condition: dict[str, str]) -> None:
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(service)],
                actions=[
                    "kms:Encrypt",
                    "kms:Decrypt",
                    "kms:ReEncryptFrom",
                    "kms:ReEncryptTo",
                    "kms:GenerateDataKey",
                    "kms:DescribeKey",
                ],
                resources=["*"],  # a key policy's resource is the key itself
                conditions={operator: condition},
            )
        )


def removal(env: Environment) -> cdk.RemovalPolicy:
    """What becomes of data when its stack is deleted."""
    return cdk.RemovalPolicy.RETAIN if env.keep_data else cdk.RemovalPolicy.DESTROY
