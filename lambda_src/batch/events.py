"""From an SQS message's body to the objects that it tells of.

Two shapes say that an object was created: the S3 notification (S3 User Guide, "Event message structure") and the EventBridge
event (S3 User Guide, "EventBridge event message structure"). Only the first one URL-encodes its keys.
"""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

TEST_EVENT = "s3:TestEvent"
_CREATED = "ObjectCreated:"
_CREATED_DETAIL = "Object Created"


class UnknownEvent(Exception):
    """A message that is no object-created event: somebody else's, or of a newer shape."""


@dataclass(frozen=True)
class ObjectEvent:
    """One created object.

    Attributes:
        key: as it is in S3, not encoded.
        version: None where the bucket keeps none or the event does not say.
        sequencer: orders events of one key (hexadecimal, of varying length); "" where the event does not say.
    """

    bucket: str
    key: str
    version: str | None = None
    sequencer: str = ""


def parse_body(body: str) -> list[ObjectEvent]:
    """Objects that a message tells of: none for S3's test event and for events that create nothing.

    Raises:
        UnknownEvent: the body is no event of S3.
    """
    try:
        message = json.loads(body)
        if "Records" in message:
            records = [record for record in message["Records"] if record["eventName"].startswith(_CREATED)]
            return [_from_notification(record["s3"]) for record in records]
        if message.get("source") == "aws.s3":
            return [_from_eventbridge(message["detail"])] if message["detail-type"] == _CREATED_DETAIL else []
        if message.get("Event") == TEST_EVENT:
            return []
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnknownEvent("The message is no S3 event: it is malformed.") from error
    raise UnknownEvent("The message is no S3 event: it has neither Records nor the source aws.s3.")


def _from_notification(entity: dict[str, Any]) -> ObjectEvent:
    item = entity["object"]
    return ObjectEvent(entity["bucket"]["name"], unquote_plus(item["key"]), item.get("versionId"), item.get("sequencer", ""))


def _from_eventbridge(detail: dict[str, Any]) -> ObjectEvent:
    item = detail["object"]
    return ObjectEvent(detail["bucket"]["name"], item["key"], item.get("version-id"), item.get("sequencer", ""))
