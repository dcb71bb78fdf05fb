"""What things are called in the embedded AWS, and how a process is pointed at it."""

import os
from typing import Final

HOST: Final = "127.0.0.1"
REGION: Final = "us-east-1"
PAGE_PORT: Final = 8000
AWS_PORT: Final = 8001
AWS_URL: Final = f"http://{HOST}:{AWS_PORT}"
ACCOUNT: Final = "123456789012"
"""moto's."""
SCANS: Final = "oct-scans"
FINDINGS: Final = "oct-findings"
MODELS: Final = "oct-models"
BUNDLE_URI: Final = f"s3://{MODELS}/bundle"
QUEUE: Final = "oct-scans"
DEAD_LETTERS: Final = "oct-scans-dead"
TABLE: Final = "oct"
CREDENTIALS: Final = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": REGION}

_NO_ACCOUNT: Final = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": HOST,
    "no_proxy": HOST,
}


def point_at(aws_url: str) -> None:
    """Point this process at the AWS at a URL and at no other: no profile and no credentials of a real account are read."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update({"AWS_ENDPOINT_URL": aws_url, **CREDENTIALS, **_NO_ACCOUNT})


def settings_environment(queue_url: str) -> dict[str, str]:
    """What a deployment would set for the functions."""
    return {
        "OCT_MODEL_URI": BUNDLE_URI,
        "OCT_INPUT_BUCKET": SCANS,
        "OCT_RESULTS_BUCKET": FINDINGS,
        "OCT_TABLE": TABLE,
        "OCT_QUEUE_URL": queue_url,
    }


def join(aws_url: str) -> None:
    """Make this process one of a running `make run`'s: its AWS, its buckets, queue and table."""
    point_at(aws_url)
    os.environ.update(settings_environment(f"{aws_url}/{ACCOUNT}/{QUEUE}"))
