import argparse

import pytest

from lambda_src.cli.target import Target


@pytest.mark.parametrize(
    ("word", "bucket", "prefix", "is_job"),
    [
        ("s3://scans", "scans", "", False),
        ("s3://scans/", "scans", "", False),
        ("s3://scans/clinic a", "scans", "clinic a/", False),
        ("s3://scans/jobs/night/", "scans", "jobs/night/", True),
        ("s3://scans/jobs", "scans", "jobs/", False),
        ("s3://scans/jobs/night/left", "scans", "jobs/night/left/", False),
        ("s3://scans/my-jobs/night", "scans", "my-jobs/night/", False),
    ],
)
def test_a_target_is_a_bucket_and_a_prefix(word: str, bucket: str, prefix: str, is_job: bool) -> None:
    target = Target.parse(word)
    assert (target, target.is_job) == (Target(bucket, prefix), is_job)
    assert Target.parse(str(target)) == target


@pytest.mark.parametrize("word", ["night", "http://a/b", "s3://", "s3:///night", ""])
def test_anything_else_is_refused(word: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no s3://BUCKET/PREFIX"):
        Target.parse(word)
