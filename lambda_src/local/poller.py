"""The part that AWS plays between the queue and the function: an event source mapping."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from lambda_src.aws import clients
from lambda_src.local.names import ACCOUNT, QUEUE, REGION

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

BATCH_SIZE = 10
WAIT_S = 1
"""Of one long poll, and so the longest that stopping takes."""

logger = logging.getLogger(__name__)

Handler = Callable[[dict[str, Any], Any], Mapping[str, Any]]


@dataclass(frozen=True)
class Context:
    """What Lambda tells a function about itself, as far as ours asks."""

    function_name: str = "oct-batch"
    memory_limit_in_mb: int = 1769
    invoked_function_arn: str = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:oct-batch"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"


class Poller:
    """Takes messages from a queue, calls the handler with Lambda's event shape, and deletes what did not fail."""

    def __init__(self, queue_url: str, handler: Handler, done: Callable[[Sequence[str]], object]) -> None:
        """`done` is called with the bodies of messages that succeeded."""
        self._queue_url = queue_url
        self._handler = handler
        self._done = done
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="poller", daemon=True)

    def start(self) -> None:
        """Begin to poll."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch in hand and stop."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.poll_once()
            except (ClientError, BotoCoreError):
                logger.warning("the queue did not answer; trying again")
                self._stop.wait(WAIT_S)
            except Exception:
                # As in Lambda: the function failed as a whole, its messages come back after the visibility timeout.
                logger.exception("the batch entry point failed")

    def poll_once(self) -> int:
        """One long poll and, if it gave messages, one call of the handler. Gives the number of messages."""
        received = clients.sqs().receive_message(
            QueueUrl=self._queue_url, MaxNumberOfMessages=BATCH_SIZE, WaitTimeSeconds=WAIT_S, AttributeNames=["All"]
        )
        messages = received.get("Messages", [])
        if not messages:
            return 0
        response = self._handler({"Records": [_record(message) for message in messages]}, Context())
        failed = {item["itemIdentifier"] for item in response["batchItemFailures"]}
        done = [message for message in messages if message["MessageId"] not in failed]
        if done:
            # In one call, which passes over what was delivered to somebody else meanwhile.
            entries = [{"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]} for index, message in enumerate(done)]
            clients.sqs().delete_message_batch(QueueUrl=self._queue_url, Entries=entries)  # type: ignore[arg-type]
        self._done([message["Body"] for message in done])
        return len(messages)


def _record(message: "MessageTypeDef") -> dict[str, Any]:
    """A message as Lambda gives it to a function (Lambda Developer Guide, "Using Lambda with Amazon SQS")."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{QUEUE}",
        "awsRegion": REGION,
    }
