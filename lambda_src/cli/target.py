"""Where in S3 a command line means."""

import argparse
from dataclasses import dataclass
from typing import Self

from lambda_src.batch.folders import JOBS_PREFIX


@dataclass(frozen=True)
class Target:
    """`s3://bucket/prefix/`: the prefix is empty or ends with a slash."""

    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The target that a word on the command line names.

        Raises:
            argparse.ArgumentTypeError: it names none.
        """
        scheme, _, rest = text.partition("://")
        bucket, _, prefix = rest.partition("/")
        if scheme != "s3" or not bucket:
            raise argparse.ArgumentTypeError(f"{text} is no s3://BUCKET/PREFIX")
        prefix = prefix.strip("/")
        return cls(bucket, f"{prefix}/" if prefix else "")

    @property
    def is_job(self) -> bool:
        """Whether it is a folder that is one job: jobs/NAME/."""
        return self.prefix.startswith(JOBS_PREFIX) and self.prefix.count("/") == 2
