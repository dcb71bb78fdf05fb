"""AWS clients, built once per process, with timeouts and retries set.

Building a client takes about 100 ms, so a warm Lambda must never do it again. The cache is by endpoint, so that a test
or `make run` that starts its own AWS gets clients of its own.
"""

import os
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, cast

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sqs.client import SQSClient

CONNECT_TIMEOUT_S = 3
READ_TIMEOUT_S = 25
"""Longer than an SQS long poll (20 s), shorter than API Gateway's 29 s."""
ATTEMPTS = 5
POOL_CONNECTIONS = 32

_Service = Literal["s3", "sqs", "dynamodb"]


def s3() -> "S3Client":
    """The S3 client."""
    return cast("S3Client", _client("s3", _endpoint()))


def sqs() -> "SQSClient":
    """The SQS client."""
    return cast("SQSClient", _client("sqs", _endpoint()))


def dynamodb() -> "DynamoDBClient":
    """The DynamoDB client."""
    return cast("DynamoDBClient", _client("dynamodb", _endpoint()))


def error_code(error: Exception) -> str:
    """AWS's own code of a botocore error (`NoSuchKey`, `404`, ...), or the name of its class."""
    response = getattr(error, "response", None)
    return str(response["Error"].get("Code", "")) if response else type(error).__name__


def _endpoint() -> str | None:
    return os.environ.get("AWS_ENDPOINT_URL")


@cache
def _client(service: _Service, endpoint: str | None) -> Any:
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        max_pool_connections=POOL_CONNECTIONS,
        # Version 4 for presigned forms too: a bucket encrypted by KMS takes no other.
        signature_version="s3v4" if service == "s3" else None,
    )
    # A session of its own: boto3's default session is not safe to build from several threads.
    return boto3.session.Session().client(service, endpoint_url=endpoint, config=config)
