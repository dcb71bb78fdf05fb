import json
import time
from typing import Any

from lambda_src.aws import clients
from lambda_src.local.cloud import Cloud
from lambda_src.local.poller import Poller


class Recorder:
    """A handler that fails the messages whose body it is told."""

    def __init__(self, *failing: str) -> None:
        self.failing = failing
        self.records: list[dict[str, Any]] = []

    def __call__(self, event: dict[str, Any], _context: Any) -> dict[str, Any]:
        self.records += event["Records"]
        failed = [record["messageId"] for record in event["Records"] if record["body"] in self.failing]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def send(cloud: Cloud, *bodies: str) -> None:
    clients.sqs().purge_queue(QueueUrl=cloud.queue_url)  # S3's test event
    for body in bodies:
        clients.sqs().send_message(QueueUrl=cloud.queue_url, MessageBody=body)


def left(cloud: Cloud) -> str:
    names: Any = ["ApproximateNumberOfMessagesNotVisible"]
    return clients.sqs().get_queue_attributes(QueueUrl=cloud.queue_url, AttributeNames=names)["Attributes"][names[0]]


def test_the_handler_gets_lambda_s_event_and_what_it_did_is_deleted(cloud: Cloud) -> None:
    send(cloud, "good", "bad")
    handler = Recorder("bad")
    done: list[str] = []
    poller = Poller(cloud.queue_url, handler, done.extend)
    while len(handler.records) < 2:
        poller.poll_once()
    record = handler.records[0]
    assert record["eventSource"] == "aws:sqs"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert set(record) >= {"messageId", "receiptHandle", "body", "messageAttributes", "md5OfBody", "eventSourceARN", "awsRegion"}
    assert done == ["good"]
    assert left(cloud) == "1"


def test_an_empty_queue_calls_nobody(cloud: Cloud) -> None:
    send(cloud)
    handler = Recorder()
    assert Poller(cloud.queue_url, handler, lambda _: None).poll_once() == 0
    assert handler.records == []


def test_what_keeps_failing_is_set_aside(cloud: Cloud) -> None:
    send(cloud, "bad")
    clients.sqs().set_queue_attributes(QueueUrl=cloud.queue_url, Attributes={"VisibilityTimeout": "0"})
    handler = Recorder("bad")
    poller = Poller(cloud.queue_url, handler, lambda _: None)
    end = time.monotonic() + 20
    while time.monotonic() < end and poller.poll_once():
        pass
    aside = clients.sqs().receive_message(QueueUrl=cloud.dead_letters_url, WaitTimeSeconds=2)["Messages"]
    assert [message["Body"] for message in aside] == ["bad"]
    assert len(handler.records) == 3


def test_the_thread_outlives_a_handler_that_raises(cloud: Cloud, caplog: Any) -> None:
    send(cloud, json.dumps({}))
    calls: list[int] = []

    def broken(event: dict[str, Any], context: Any) -> dict[str, Any]:
        calls.append(len(event["Records"]))
        raise ValueError("no scan's name")

    poller = Poller(cloud.queue_url, broken, lambda _: None)
    poller.start()
    end = time.monotonic() + 10
    while not calls and time.monotonic() < end:
        time.sleep(0.05)
    poller.stop()
    assert calls == [1]
    assert "the batch entry point failed" in caplog.text
