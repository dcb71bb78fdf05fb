"""From queue messages to objects and back: a message is done when all of its objects are."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from lambda_src.batch.events import ObjectEvent, UnknownEvent, parse_body
from lambda_src.batch.worker import Worker


@dataclass(frozen=True)
class Done:
    """What came of a batch: messages to deliver again, by their id and with a reason, and how objects ended."""

    failures: Mapping[str, Exception]
    endings: Mapping[str, int]


def work_through(bodies: Mapping[str, str], worker: Worker) -> Done:
    """Work through the bodies of messages, given by message id, all objects together."""
    failures: dict[str, Exception] = {}
    told: dict[str, list[ObjectEvent]] = {}
    for message_id, body in bodies.items():
        try:
            told[message_id] = parse_body(body)
        except UnknownEvent as error:
            failures[message_id] = error
    endings = worker.process(event for events in told.values() for event in events)
    for message_id, events in told.items():
        wrong = next((ending for event in events if isinstance(ending := endings[event], Exception)), None)
        if wrong is not None:
            failures[message_id] = wrong
    return Done(failures, Counter(ending for ending in endings.values() if isinstance(ending, str)))
