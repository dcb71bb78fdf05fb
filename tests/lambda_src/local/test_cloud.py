import json
import socket
import time

import pytest

from lambda_src.aws import clients
from lambda_src.local.cloud import Cloud, _free_port
from lambda_src.local.names import FINDINGS, HOST, MODELS, SCANS, TABLE
from lambda_src.settings import Settings
from tests.support.aws import put_scan


def test_it_has_what_a_deployment_has(cloud: Cloud) -> None:
    assert {bucket["Name"] for bucket in clients.s3().list_buckets()["Buckets"]} == {SCANS, FINDINGS, MODELS}
    assert all(clients.s3().get_bucket_versioning(Bucket=name)["Status"] == "Enabled" for name in (SCANS, FINDINGS, MODELS))
    assert clients.dynamodb().list_tables()["TableNames"] == [TABLE]
    assert Settings().queue_url == cloud.queue_url


def test_a_scan_put_in_the_bucket_is_told_to_the_queue(cloud: Cloud) -> None:
    put_scan("a b.png", b"1")
    bodies: list[str] = []
    end = time.monotonic() + 10
    while len(bodies) < 2 and time.monotonic() < end:
        received = clients.sqs().receive_message(QueueUrl=cloud.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        bodies += [message["Body"] for message in received.get("Messages", [])]
    keys = [json.loads(body)["Records"][0]["s3"]["object"]["key"] for body in bodies if "Records" in body]
    assert keys == ["a+b.png"]


def test_findings_do_not_trigger_anything(cloud: Cloud) -> None:
    assert "QueueConfigurations" not in clients.s3().get_bucket_notification_configuration(Bucket=FINDINGS)


@pytest.mark.parametrize("taken", [False, True])
def test_a_port_in_use_is_passed_over(taken: bool) -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        port = other.getsockname()[1]
        if not taken:
            other.close()
        else:
            other.listen()
        assert _free_port(port) == (0 if taken else port)


def test_it_listens_on_this_machine_alone(cloud: Cloud) -> None:
    assert cloud.url.startswith("http://127.0.0.1:")
