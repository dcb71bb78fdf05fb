import json

import pytest

from lambda_src.batch.events import ObjectEvent, UnknownEvent, parse_body


def notification(*keys: str, name: str = "ObjectCreated:Put", **extra: str) -> str:
    records = [{"eventName": name, "s3": {"bucket": {"name": "scans"}, "object": {"key": key, **extra}}} for key in keys]
    return json.dumps({"Records": records})


@pytest.mark.parametrize(
    ("encoded", "key"),
    [
        ("a.png", "a.png"),
        ("eye+left/a%2Bb.png", "eye left/a+b.png"),
        ("M%C3%BCller/%E7%9C%BC.png", "Müller/眼.png"),
        ("a%2Fb%252F.png", "a/b%2F.png"),
    ],
)
def test_keys_of_notifications_are_decoded(encoded: str, key: str) -> None:
    assert parse_body(notification(encoded)) == [ObjectEvent("scans", key)]


def test_version_and_sequencer_are_kept() -> None:
    body = notification("a.png", versionId="v1", sequencer="0055AED6DCD90281E5")
    assert parse_body(body) == [ObjectEvent("scans", "a.png", "v1", "0055AED6DCD90281E5")]


def test_a_message_may_hold_several_records() -> None:
    assert [event.key for event in parse_body(notification("a", "b", "c"))] == ["a", "b", "c"]


def test_keys_of_eventbridge_are_not_encoded() -> None:
    item = {"key": "a+b%20c.png", "version-id": "v1", "sequencer": "00AB"}
    body = {"source": "aws.s3", "detail-type": "Object Created", "detail": {"bucket": {"name": "scans"}, "object": item}}
    assert parse_body(json.dumps(body)) == [ObjectEvent("scans", "a+b%20c.png", "v1", "00AB")]


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "scans"}),
        notification("a.png", name="ObjectRemoved:Delete"),
        json.dumps({"source": "aws.s3", "detail-type": "Object Deleted", "detail": {}}),
    ],
    ids=["test event", "removal", "eventbridge removal"],
)
def test_events_that_create_nothing_tell_of_nothing(body: str) -> None:
    assert parse_body(body) == []


@pytest.mark.parametrize("body", ["", "no json", "[]", "1", "{}", '{"Records": [{}]}', '{"Records": 3}', '{"source": "aws.ec2"}'])
def test_anything_else_is_refused(body: str) -> None:
    with pytest.raises(UnknownEvent, match="no S3 event"):
        parse_body(body)
