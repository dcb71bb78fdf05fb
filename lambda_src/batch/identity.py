"""The id of a scan's finding, made from what the scan is, so that every delivery of its event makes the same one."""

import hashlib

from ulid import ULID

from lambda_src.batch.ports import StoredScan


def finding_id(scan: StoredScan) -> str:
    """42 characters as `finding.new_id` gives: a ULID at the time when the object was written, and 64 bits more.

    The 144 bits that are not time come from a hash of bucket, key and version. S3's version ids are random, so the id can't be
    guessed by somebody who knows the key. Where a bucket keeps no versions, the time is left out too: the same contents put
    under the same key again are the same scan.
    """
    digest = hashlib.sha256(f"{scan.bucket}\0{scan.key}\0{scan.version}".encode()).digest()
    milliseconds = int(scan.modified.timestamp() * 1000) if scan.versioned else 0
    ulid = ULID.from_bytes(milliseconds.to_bytes(6, "big") + digest[:10])
    return f"{ulid}{digest[10:18].hex().upper()}"
