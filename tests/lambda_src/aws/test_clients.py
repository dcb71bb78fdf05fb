import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from lambda_src.aws import clients


def test_a_client_is_built_once_for_an_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    first = clients.s3()
    assert clients.s3() is first
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:2")
    assert clients.s3() is not first


def test_timeouts_and_retries_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    config = clients.dynamodb().meta.config
    assert (config.connect_timeout, config.read_timeout) == (3, 25)  # type: ignore[attr-defined]
    assert config.retries == {"mode": "standard", "total_max_attempts": 5}  # type: ignore[attr-defined]


def test_errors_are_named_by_aws_s_code_or_their_class() -> None:
    assert clients.error_code(ClientError({"Error": {"Code": "SlowDown"}}, "PutObject")) == "SlowDown"
    assert clients.error_code(ReadTimeoutError(endpoint_url="x")) == "ReadTimeoutError"
