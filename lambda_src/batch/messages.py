"""From queue messages to objects and back: a message is done when all of its objects are."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lambda_src.batch.events import ObjectEvent, UnknownEvent, parse_body
from lambda_src.batch.folders import FolderStore, folders_of, update
from lambda_src.batch.worker import Worker


@dataclass(frozen=True)
class Done:
    """What came of a batch: messages to deliver again, by their id and with a reason, and how objects ended."""

    failures: Mapping[str, Exception]
    endings: Mapping[str, int]


def work_through(bodies: Mapping[str, str], worker: Worker, folders: FolderStore) -> Done:
    """Work through the bodies of messages, given by message id, all objects together, and note how far their folders are."""
    failures: dict[str, Exception] = {}
    told: dict[str, list[ObjectEvent]] = {}
    for message_id, body in bodies.items():
        try:
            told[message_id] = parse_body(body)
        except UnknownEvent as error:
            failures[message_id] = error
    endings = worker.process(event for events in told.values() for event in events)
    wrong = {event: ending for event, ending in endings.items() if isinstance(ending, Exception)}
    for folder, fault in _update_folders(endings, folders).items():
        wrong |= {event: fault for event in endings if folder in folders_of([event])}
    for message_id, events in told.items():
        errors = [wrong[event] for event in events if event in wrong]
        if errors:
            failures[message_id] = errors[0]
    return Done(failures, Counter(ending for ending in endings.values() if isinstance(ending, str)))


def _update_folders(events: Iterable[ObjectEvent], folders: FolderStore) -> dict[tuple[str, str], Exception]:
    """Errors by folder: a folder that could not be noted makes its messages come again, or its last one might say nothing."""
    errors: dict[tuple[str, str], Exception] = {}
    for bucket, folder in folders_of(events):
        try:
            update(bucket, folder, folders)
        except Exception as error:  # noqa: BLE001 - reported by message, as any other failure
            errors[bucket, folder] = error
    return errors
