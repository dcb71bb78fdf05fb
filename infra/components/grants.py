"""Grants that name a prefix: what a function may do to which keys, and with the data key for it."""

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from infra.nag import accept_prefix

READ = ("s3:GetObject", "s3:GetObjectVersion")
WRITE = ("s3:PutObject",)


def read_prefix(function: lambda_.IFunction, *, bucket: s3.IBucket, prefix: str, key: kms.IKey) -> None:
    """Read objects under a prefix; "" is the whole bucket."""
    _allow(function, READ, bucket, prefix)
    _use_key(function, key, "kms:Decrypt")


def write_prefix(function: lambda_.IFunction, *, bucket: s3.IBucket, prefix: str, key: kms.IKey) -> None:
    """Write objects under a prefix."""
    _allow(function, WRITE, bucket, prefix)
    _use_key(function, key, "kms:GenerateDataKey", "kms:Decrypt")


def list_bucket(function: lambda_.IFunction, *, bucket: s3.IBucket) -> None:
    """List keys: without it S3 answers 403 instead of 404 to a HEAD of what is not there."""
    function.add_to_role_policy(iam.PolicyStatement(actions=["s3:ListBucket"], resources=[bucket.bucket_arn]))


def use_table(function: lambda_.IFunction, *, table: dynamodb.ITable, key: kms.IKey, actions: tuple[str, ...]) -> None:
    """Single items of the table: no scans, no deletes unless asked for."""
    function.add_to_role_policy(
        iam.PolicyStatement(actions=[f"dynamodb:{action}" for action in actions], resources=[table.table_arn])
    )
    _use_key(function, key, "kms:Decrypt")


def _allow(function: lambda_.IFunction, actions: tuple[str, ...], bucket: s3.IBucket, prefix: str) -> None:
    function.add_to_role_policy(iam.PolicyStatement(actions=list(actions), resources=[bucket.arn_for_objects(f"{prefix}*")]))
    if function.role is not None:
        accept_prefix(function.role, bucket, prefix)


def _use_key(function: lambda_.IFunction, key: kms.IKey, *actions: str) -> None:
    function.add_to_role_policy(iam.PolicyStatement(actions=list(actions), resources=[key.key_arn]))
