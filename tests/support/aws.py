"""An embedded AWS for tests: moto's real server over HTTP, emptied and built anew for each test."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from lambda_src.aws import clients
from lambda_src.local.cloud import Cloud, build, start_cloud
from lambda_src.local.names import FINDINGS, SCANS, point_at


@contextmanager
def server() -> Iterator[Cloud]:
    """One server; the environment is as before when it ends."""
    before = dict(os.environ)
    cloud = start_cloud(0)
    _restore(before)
    yield cloud
    # What moto keeps, it keeps for the process: the next server would find this one's table.
    httpx2.post(f"{cloud.url}/moto-api/reset").raise_for_status()
    cloud.stop()


@contextmanager
def fresh(cloud: Cloud) -> Iterator[Cloud]:
    """The server with nothing in it but empty buckets, queue and table, and this process pointed at it."""
    before = dict(os.environ)
    httpx2.post(f"{cloud.url}/moto-api/reset").raise_for_status()
    point_at(cloud.url)
    os.environ.update(cloud.settings())
    build()
    try:
        yield cloud
    finally:
        _restore(before)


def put_scan(key: str, body: bytes, **options: Any) -> str:
    """Put an object in the bucket of scans. Gives its version."""
    return str(clients.s3().put_object(Bucket=SCANS, Key=key, Body=body, **options)["VersionId"])


def results() -> dict[str, bytes]:
    """Everything in the results bucket."""
    listed = clients.s3().list_objects_v2(Bucket=FINDINGS).get("Contents", [])
    return {item["Key"]: clients.s3().get_object(Bucket=FINDINGS, Key=item["Key"])["Body"].read() for item in listed}


def _restore(before: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(before)
