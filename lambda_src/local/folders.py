"""Folders on this machine that stand for the buckets: drop a scan in one, find its finding in the other."""

import logging
import threading
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from lambda_src.aws import clients
from lambda_src.aws.scans import result_key
from lambda_src.batch.events import parse_body
from lambda_src.local.names import FINDINGS, SCANS

LOOK_EVERY_S = 0.5
_HALF_WRITTEN = frozenset({".part", ".crdownload", ".tmp"})

logger = logging.getLogger(__name__)

_Stamp = tuple[int, int]


class DropFolder:
    """Copies what is put in a folder to the bucket of scans, each file once it has stopped changing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[Path, _Stamp] = {}
        self._sent: dict[Path, _Stamp] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="drop", daemon=True)

    def start(self) -> None:
        """Make the folder and begin to look."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._stop.set()
        self._thread.join()

    def look(self) -> int:
        """Send every file that is as it was at the last look and has not been sent like this. Gives their number."""
        now = {path: stamp for path in sorted(self._folder.rglob("*")) if (stamp := _stamp(path))}
        ripe = [path for path, stamp in now.items() if self._seen.get(path) == stamp != self._sent.get(path)]
        self._seen = now
        return sum(self._send(path, now[path]) for path in ripe)

    def _send(self, path: Path, stamp: _Stamp) -> bool:
        """Send one file; one that can't be sent is told of once and holds up no other."""
        self._sent[path] = stamp
        try:
            key = path.relative_to(self._folder).as_posix()
            clients.s3().put_object(Bucket=SCANS, Key=key, Body=path.read_bytes())
        except (OSError, ValueError, ClientError, BotoCoreError) as error:  # ValueError: a name that is no text
            logger.warning("a dropped file could not be sent: %s", type(error).__name__)
            return False
        return True

    def _run(self) -> None:
        while not self._stop.wait(LOOK_EVERY_S):
            try:
                self.look()
            except OSError as error:  # the folder itself: made unreadable, or removed while it was listed
                logger.warning("the drop folder could not be read: %s", type(error).__name__)


class FindingsFolder:
    """Copies findings from the results bucket to a folder, under their scans' names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def copy(self, bodies: Sequence[str]) -> int:
        """Copy the results of the scans that these messages told of. Gives their number."""
        events = [event for body in bodies for event in parse_body(body)]
        return sum(self._copy_one(event.key) for event in events)

    def _copy_one(self, key: str) -> bool:
        target = (self._folder / f"{key}.json").resolve()
        if not target.is_relative_to(self._folder.resolve()):
            return False
        try:
            body = clients.s3().get_object(Bucket=FINDINGS, Key=result_key(key))["Body"].read()
        except ClientError:
            return False  # a manifest or a folder marker has no result
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
        return True


def _stamp(path: Path) -> _Stamp | None:
    """What changes when a file does; None for what is no finished file."""
    if path.name.startswith(".") or path.suffix in _HALF_WRITTEN or not path.is_file():
        return None
    facts = path.stat()
    return facts.st_mtime_ns, facts.st_size
