"""cdk-nag: both rule packs over the whole app, and the one way to accept a finding of theirs, with its reason."""

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks, HIPAASecurityChecks
from constructs import IConstruct

PACKS = ("AwsSolutions", "HIPAA.Security")


def check(app: cdk.App) -> None:
    """Run both packs at synthesis: a finding that nobody accepted fails it."""
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app), HIPAASecurityChecks(app))


def accept(scope: IConstruct, reason: str, *rules: str) -> None:
    """Accept rules on a construct and what is below it.

    Args:
        reason: what a security reviewer reads.
        rules: such as `AwsSolutions-S1` or `HIPAA.Security-LambdaDLQ`, with `[...]` for one finding of several.
    """
    for rule in rules:
        pack = next(pack for pack in PACKS if rule.startswith(f"{pack}-"))
        cdk.Validations.of(scope).acknowledge(cdk.Acknowledgment(id=f"{pack}::{rule}", reason=reason))


def accept_prefix(scope: IConstruct, bucket: s3.IBucket, prefix: str) -> None:
    """Accept that a grant on one bucket of the storage stack ends in a star after a prefix, and no other star."""
    owner = cdk.Stack.of(bucket)
    export = owner.resolve(owner.export_value(bucket.bucket_arn))["Fn::ImportValue"]
    accept(
        scope,
        "The star ends a key prefix in one named bucket: keys are made as scans and models come, and can't be listed beforehand.",
        f"AwsSolutions-IAM5[Resource::{export}/{prefix}*]",
    )
