"""Fixtures of the parts that speak to AWS."""

from collections.abc import Iterator

import pytest

from lambda_src.local.cloud import Cloud
from tests.support import aws


@pytest.fixture(scope="session")
def aws_server() -> Iterator[Cloud]:
    with aws.server() as cloud:
        yield cloud


@pytest.fixture
def cloud(aws_server: Cloud) -> Iterator[Cloud]:
    """Empty buckets, queue and table on a real server, and the environment pointed at them."""
    with aws.fresh(aws_server) as fresh:
        yield fresh
