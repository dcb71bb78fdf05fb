"""A batch worker that is throttled and that dies: event source mapping and entry point in one process, with faults inside.

Arguments: number of scans after which it dies (0: never), where it dies (`kept` or `written`), seed of its faults.
"""

import os
import random
import signal
import sys
import threading
from contextlib import suppress
from itertools import count
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import BotoCoreError

from lambda_src.aws import clients
from lambda_src.handlers.batch import handler, parts
from lambda_src.local.poller import Poller
from lambda_src.settings import Settings

THROTTLED = 0.03
"""Share of requests that get a 503; botocore retries these."""
BURST_EVERY = 900
BURST = 25
"""Now and then, so many requests in a row fail, more than botocore's retries: those messages have to come again."""


class Faults:
    """Answers some requests in AWS's place."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._requests = count(1)

    def __call__(self, request: Any, **_: Any) -> AWSResponse | None:
        in_burst = next(self._requests) % BURST_EVERY >= BURST_EVERY - BURST
        if request.headers.get("X-Amz-Target", b"").startswith(b"AmazonSQS") or not (
            in_burst or self._random.random() < THROTTLED
        ):
            return None
        return AWSResponse(request.url, 503, HTTPHeaders(), _Body(b"<Error><Code>SlowDown</Code></Error>"))


class _Body:
    """What botocore reads of an answer's body."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self, **_: Any) -> Any:
        yield self._data


def die_after(scans: int, where: str) -> None:
    """Kill this process once so many findings are kept: at once (`kept`), or before their messages are deleted (`written`)."""
    kept = count(1)
    doomed = threading.Event()

    def after_keeping(**_: Any) -> None:
        if next(kept) >= scans:
            doomed.set()
            if where == "kept":
                os.kill(os.getpid(), signal.SIGKILL)

    def before_deleting(**_: Any) -> None:
        if doomed.is_set():
            os.kill(os.getpid(), signal.SIGKILL)

    clients.dynamodb().meta.events.register("after-call.dynamodb.PutItem", after_keeping)
    clients.sqs().meta.events.register("before-call.sqs.DeleteMessageBatch", before_deleting)


def main(dies_after: int, where: str, seed: int) -> None:
    """Poll until the end comes from within or without."""
    parts(Settings())
    faults: Any = Faults(seed)
    for client in (clients.s3(), clients.dynamodb()):
        client.meta.events.register(f"before-send.{client.meta.service_model.service_name}", faults)
    if dies_after:
        die_after(dies_after, where)
    poller = Poller(os.environ["OCT_QUEUE_URL"], handler, lambda _: None)
    while True:
        with suppress(BotoCoreError):  # a timeout: Lambda's own poller tries again too
            poller.poll_once()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
