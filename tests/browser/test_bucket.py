"""The page, the signed form, the bucket, the queue, the batch entry point, the job and the finding: all of them real."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from lambda_src.app.services import Limits
from lambda_src.aws.findings import FindingsTable
from lambda_src.aws.uploads import BucketUploads
from lambda_src.handlers.batch import handler, parts
from lambda_src.local.cloud import Cloud, allow_uploads_from
from lambda_src.local.names import FINDINGS, SCANS, TABLE
from lambda_src.local.poller import Poller
from tests.support import aws
from tests.support.chromium import open_page
from tests.support.live import live_server
from tests.support.pictures import band, encoded

LAMBDA_BYTES = 4_000_000
UPLOAD_BYTES = 20_000_000
SHAPE = (4400, 4400)  # an uncompressed picture of 19.4 MB


@pytest.fixture
def cloud(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with aws.server() as server, aws.fresh(server) as cloud:
        monkeypatch.setenv("OCT_MODEL_URI", str(tiny_bundle))
        parts.cache_clear()
        poller = Poller(cloud.queue_url, handler, lambda _: None)
        poller.start()
        yield cloud
        poller.stop()
        parts.cache_clear()


def test_a_scan_of_20_mb_is_answered_on_the_page(browser: Browser, tiny_bundle: Path, tmp_path: Path, cloud: Cloud) -> None:
    scan = encoded(np.resize(band(0.3), SHAPE), "BMP")
    assert LAMBDA_BYTES < len(scan) < UPLOAD_BYTES
    path = tmp_path / "scan.bmp"
    path.write_bytes(scan)
    desk = BucketUploads(SCANS, TABLE, UPLOAD_BYTES, FINDINGS)
    limits = Limits(LAMBDA_BYTES, max_upload_bytes=UPLOAD_BYTES)
    with live_server(
        tiny_bundle, limits, findings_store=FindingsTable(TABLE), upload_desk=desk, upload_origin=cloud.url
    ) as address:
        port = urlsplit(address).port
        assert port is not None
        allow_uploads_from(port)
        page = open_page(browser, address)
        page.set_input_files("#file", path)
        expect(page.locator("#result article[data-outcome]")).to_be_visible(timeout=120_000)
        page.get_by_text("Details", exact=True).click()
        expect(page.locator("#result .facts")).to_contain_text("px, BMP")
        page.close()
