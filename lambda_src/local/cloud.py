"""The embedded AWS: moto's server in a thread of this process, with real buckets, a queue and a table.

It listens on 127.0.0.1 only, keeps everything in memory and checks no signature. This process's AWS settings are replaced as a
whole, so that no real account's credentials or profile are ever read.
"""

import json
import logging
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from moto.server import ThreadedMotoServer
from moto.sqs import models

from lambda_src.aws import clients
from lambda_src.local.names import (
    AWS_PORT,
    DEAD_LETTERS,
    FINDINGS,
    HOST,
    MODELS,
    QUEUE,
    SCANS,
    TABLE,
    point_at,
    settings_environment,
)
from lambda_src.model.manifest import MANIFEST_FILE

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CORSRuleTypeDef

VISIBILITY_S = 30
DELIVERIES = 3
"""Tries before a message is set aside."""


@dataclass(frozen=True)
class Cloud:
    """A running embedded AWS."""

    url: str
    queue_url: str
    dead_letters_url: str
    server: ThreadedMotoServer

    def settings(self) -> dict[str, str]:
        """What a deployment would set for the functions."""
        return settings_environment(self.queue_url)

    def stop(self) -> None:
        """Stop the server; everything in it is gone."""
        self.server.stop()


def _milliseconds() -> float:
    return time.time() * 1000


def _quicken_queues() -> None:
    """Give moto's queues a quick clock.

    They ask what time it is three times over for every message that waits, whenever one is sent or given out; by moto's own
    clock, which builds dates, that takes seconds when thousands wait.
    """
    models.unix_time_millis = _milliseconds  # type: ignore[assignment,attr-defined]


def start_cloud(port: int = AWS_PORT) -> Cloud:
    """Start the embedded AWS and build in it what a deployment builds.

    Args:
        port: wished for; another free one is taken where it is in use.
    """
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    _quicken_queues()
    server = ThreadedMotoServer(ip_address=HOST, port=_free_port(port), verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    point_at(url)
    queue_url, dead_letters_url = build()
    return Cloud(url, queue_url, dead_letters_url, server)


def upload_bundle(folder: Path) -> None:
    """Put a bundle's files in the model bucket, as publishing a model does: the manifest last."""
    files = sorted((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.name == MANIFEST_FILE)
    for path in files:
        clients.s3().put_object(Bucket=MODELS, Key=f"bundle/{path.relative_to(folder).as_posix()}", Body=path.read_bytes())


def allow_uploads_from(page_port: int) -> None:
    """Let the page, which another port serves, post its uploads to the bucket of scans."""
    origins = [f"http://{name}:{page_port}" for name in (HOST, "localhost")]
    rule: CORSRuleTypeDef = {"AllowedMethods": ["POST"], "AllowedOrigins": origins, "AllowedHeaders": ["*"]}
    clients.s3().put_bucket_cors(Bucket=SCANS, CORSConfiguration={"CORSRules": [rule]})


def build() -> tuple[str, str]:
    """Buckets, queue and table, as a deployment makes them. Gives the addresses of the queue and of its dead-letter queue."""
    s3, sqs = clients.s3(), clients.sqs()
    for bucket in (SCANS, FINDINGS, MODELS):
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    dead_letters_url = sqs.create_queue(QueueName=DEAD_LETTERS)["QueueUrl"]
    redrive = {"deadLetterTargetArn": _arn(dead_letters_url), "maxReceiveCount": DELIVERIES}
    attributes = {"VisibilityTimeout": str(VISIBILITY_S), "RedrivePolicy": json.dumps(redrive)}
    queue_url = sqs.create_queue(QueueName=QUEUE, Attributes=attributes)["QueueUrl"]  # type: ignore[arg-type]
    s3.put_bucket_notification_configuration(
        Bucket=SCANS,
        NotificationConfiguration={"QueueConfigurations": [{"QueueArn": _arn(queue_url), "Events": ["s3:ObjectCreated:*"]}]},
    )
    clients.dynamodb().create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return queue_url, dead_letters_url


def _arn(queue_url: str) -> str:
    attributes = clients.sqs().get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    return attributes["Attributes"]["QueueArn"]


def _free_port(wished: int) -> int:
    with socket.socket() as probe:
        # The server sets this too: a port that waits for the last connections of a stopped run to time out is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wished))
        except OSError:
            return 0
    return wished
