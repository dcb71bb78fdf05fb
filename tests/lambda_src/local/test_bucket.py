from pathlib import Path

import pytest

from lambda_src.handlers.batch import handler
from lambda_src.local.bucket import BucketError, findings, put
from lambda_src.local.cloud import Cloud, upload_bundle
from lambda_src.local.poller import Poller
from tests.support.pictures import band, encoded


def test_put_tells_what_was_found_and_findings_lists_it(cloud: Cloud, tiny_bundle: Path, tmp_path: Path) -> None:
    upload_bundle(tiny_bundle)
    good, bad = tmp_path / "a b.png", tmp_path / "bad.txt"
    good.write_bytes(encoded(band(0.2)))
    bad.write_text("no scan")
    poller = Poller(cloud.queue_url, handler, lambda _: None)
    poller.start()
    try:
        lines = list(put([good, bad], cloud.url))
    finally:
        poller.stop()
    assert lines[0].startswith("a b.png: answered DME 9")
    assert lines[0].endswith(", urgent  s3://oct-findings/findings/a b.png.json")
    assert lines[1].startswith("bad.txt: rejected (The content is not an image")
    assert list(findings(cloud.url)) == lines


def test_a_missing_file_is_named(cloud: Cloud, tmp_path: Path) -> None:
    with pytest.raises(BucketError, match=r"none\.png can't be read: No such file"):
        list(put([tmp_path / "none.png"], cloud.url))
