import pytest

from lambda_src.aws.failures import FailuresTable
from lambda_src.local.cloud import Cloud
from lambda_src.local.names import TABLE


def test_the_last_reason_counts(cloud: Cloud) -> None:
    failures = FailuresTable(TABLE)
    assert failures.reason("m") is None
    failures.note("m", "SlowDown")
    failures.note("m", "ReadTimeoutError")
    assert failures.reason("m") == "ReadTimeoutError"


def test_a_table_that_fails_does_not_hide_the_failure(cloud: Cloud) -> None:
    FailuresTable("no-such-table").note("m", "SlowDown")
    with pytest.raises(Exception, match="ResourceNotFound"):
        FailuresTable("no-such-table").reason("m")
