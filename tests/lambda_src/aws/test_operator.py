import json
import time

import pytest

from lambda_src.aws import clients
from lambda_src.aws.failures import FailuresTable
from lambda_src.aws.operator import DeadLetters, OperatorError, in_words, listing, results
from lambda_src.local.cloud import Cloud
from lambda_src.local.names import FINDINGS, SCANS, TABLE
from tests.lambda_src.batch.test_events import notification
from tests.support.aws import put_scan


def fail(cloud: Cloud, *bodies: str) -> list[str]:
    """Messages set aside in the dead-letter queue, by their ids."""
    return [clients.sqs().send_message(QueueUrl=cloud.dead_letters_url, MessageBody=body)["MessageId"] for body in bodies]


def test_what_was_set_aside_is_told_with_its_reason_and_left(cloud: Cloud) -> None:
    first, second, third = fail(cloud, notification("a+b.png"), notification("c", "d"), "nonsense")
    FailuresTable(TABLE).note(first, "SlowDown")
    FailuresTable(TABLE).note(third, "UnknownEvent")
    dead = DeadLetters(cloud.queue_url, TABLE)
    for _ in range(2):
        letters = {letter.message_id: letter for letter in dead.look()}
        assert {key: letter.keys for key, letter in letters.items()} == {first: ("a b.png",), second: ("c", "d"), third: ()}
        assert letters[first].reason == "SlowDown"
        assert letters[second].reason.startswith("no reason kept")


def test_many_are_all_seen(cloud: Cloud) -> None:
    ids = fail(cloud, *(notification(str(index)) for index in range(25)))
    assert {letter.message_id for letter in DeadLetters(cloud.queue_url, TABLE).look()} == set(ids)


def test_redriving_puts_each_back_once(cloud: Cloud) -> None:
    clients.sqs().purge_queue(QueueUrl=cloud.queue_url)
    bodies = {notification(str(index)) for index in range(12)}
    fail(cloud, *bodies)
    dead = DeadLetters(cloud.queue_url, TABLE)
    dead.look()
    assert dead.redrive() == 12
    assert dead.look() == []
    back: list[str] = []
    end = time.monotonic() + 10
    while len(back) < 12 and time.monotonic() < end:
        received = clients.sqs().receive_message(QueueUrl=cloud.queue_url, MaxNumberOfMessages=10)
        back += [message["Body"] for message in received.get("Messages", [])]
    assert sorted(back) == sorted(bodies)


def test_a_queue_without_one_is_told(cloud: Cloud) -> None:
    with pytest.raises(OperatorError, match="no dead-letter queue"):
        DeadLetters(cloud.dead_letters_url, TABLE)


def test_listing_tells_sizes(cloud: Cloud) -> None:
    put_scan("a/b.png", b"123")
    put_scan("ab.png", b"1")
    assert {key: remote.size for key, remote in listing(SCANS, "a/").items()} == {"a/b.png": 3}


def test_results_come_under_their_scans_keys(cloud: Cloud) -> None:
    for key in ("a/b.png", "a/c.png", "d.png"):
        clients.s3().put_object(Bucket=FINDINGS, Key=f"findings/{key}.json", Body=json.dumps({"of": key}).encode())
    assert list(results(FINDINGS, TABLE, "a/")) == [("a/b.png", {"of": "a/b.png"}), ("a/c.png", {"of": "a/c.png"})]


def test_aws_s_errors_become_one_line(cloud: Cloud) -> None:
    with pytest.raises(OperatorError, match=r"^AWS refused or did not answer: NoSuchBucket\.$"), in_words():
        listing("no-such-bucket", "")
