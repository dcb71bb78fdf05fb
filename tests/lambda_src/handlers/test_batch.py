"""The batch entry point on a real queue, bucket and table, called as Lambda calls it."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from lambda_src.aws import clients
from lambda_src.aws.bundle import open_classifier
from lambda_src.aws.findings import FindingsTable
from lambda_src.aws.uploads import BucketUploads
from lambda_src.classifier import load_classifier
from lambda_src.errors import BundleRefused
from lambda_src.handlers.batch import handler, logger, parts
from lambda_src.imaging.decode import decode
from lambda_src.local.cloud import Cloud, upload_bundle
from lambda_src.local.names import FINDINGS, TABLE
from lambda_src.local.names import SCANS as SCANS_BUCKET
from lambda_src.local.poller import Poller
from lambda_src.settings import Settings
from tests.support.aws import put_scan, results
from tests.support.bad_inputs import BAD_INPUTS
from tests.support.pictures import band, encoded

SCANS = {
    "answered.png": encoded(band(0.1)),
    "deferred scan+1.tif": encoded(band(0.25), "TIFF"),
    "Müller/other.bmp": encoded(255 - band(0.1), "BMP"),
    "a/b/ungradable.webp": encoded(band(0.2)[:8], "WEBP", lossless=True),
    "a/b/jpeg.jpg": encoded(band(0.4), "JPEG", quality=90),
}


@pytest.fixture
def queue(cloud: Cloud, tiny_bundle: Path) -> Poller:
    upload_bundle(tiny_bundle)
    return Poller(cloud.queue_url, handler, lambda _: None)


def drain(queue: Poller) -> None:
    while queue.poll_once():
        pass


def waiting(cloud: Cloud) -> int:
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = clients.sqs().get_queue_attributes(QueueUrl=cloud.queue_url, AttributeNames=names)["Attributes"]
    return sum(int(value) for value in attributes.values())


def test_the_bucket_gives_the_same_finding_as_the_core(cloud: Cloud, queue: Poller, tiny_bundle: Path) -> None:
    classifier = load_classifier(tiny_bundle)
    for key, data in SCANS.items():
        put_scan(key, data)
    drain(queue)
    found = {key: json.loads(body) for key, body in results().items()}
    assert set(found) == {f"findings/{key}.json" for key in SCANS}
    for key, data in SCANS.items():
        body = found[f"findings/{key}.json"]
        stored = FindingsTable(TABLE).get(body["id"], "local")
        assert stored is not None
        assert stored.wire() == body
        assert stored.body() == classifier.finding(decode(data)).body()
    assert waiting(cloud) == 0


def test_each_bad_input_has_the_answer_that_http_gives(cloud: Cloud, queue: Poller) -> None:
    for index, bad in enumerate(BAD_INPUTS):
        put_scan(str(index), bad.make())
    drain(queue)
    found = {key: json.loads(body) for key, body in results().items()}
    for index, bad in enumerate(BAD_INPUTS):
        body = found[f"findings/{index}.json"]
        said = body["outcome"] if bad.status == 200 else body["problem"]["type"].removeprefix("urn:oct:problem:")
        assert (bad.name, said) == (bad.name, bad.answer)
    assert waiting(cloud) == 0


def test_only_what_failed_for_our_fault_is_delivered_again(cloud: Cloud, queue: Poller) -> None:
    clients.sqs().send_message(QueueUrl=cloud.queue_url, MessageBody="no event of S3")
    put_scan("a.png", SCANS["answered.png"])
    while len(results()) < 1:
        queue.poll_once()
    assert waiting(cloud) == 1
    reasons = [item["reason"]["S"] for item in clients.dynamodb().scan(TableName=TABLE)["Items"] if "reason" in item]
    assert reasons == ["UnknownEvent"]


def test_a_folder_is_one_job(cloud: Cloud, queue: Poller) -> None:
    names = [*SCANS, "broken.png"]
    put_scan("jobs/night/manifest.json", json.dumps({"scans": names}).encode())
    for name in names:
        put_scan(f"jobs/night/{name}", SCANS.get(name, b"no scan"))
    drain(queue)
    job = BucketUploads(SCANS_BUCKET, TABLE, 1, FINDINGS).status("night", "local")
    assert job is not None
    assert (job.state, job.total, job.done, job.rejected) == ("done", 6, 5, 1)
    assert "findings/jobs/night/manifest.json.json" not in results()
    assert len(results()["summaries/jobs/night.csv"].splitlines()) == 7


def test_a_bundle_with_one_byte_changed_is_refused(cloud: Cloud, queue: Poller) -> None:
    clients.s3().put_object(Bucket="oct-models", Key="bundle/model.onnx", Body=b"changed")
    open_classifier.cache_clear()
    parts.cache_clear()
    put_scan("a.png", SCANS["answered.png"])
    with pytest.raises(BundleRefused, match=r"model.onnx was changed: its sha256 does not fit the manifest"):
        drain(queue)
    assert waiting(cloud) == 2  # S3's test event and the scan's


@pytest.mark.parametrize("missing", [{"table": None}, {"results_bucket": None}, {"results_bucket": "scans"}])
def test_without_a_place_of_its_own_for_results_it_does_not_start(missing: dict[str, str | None]) -> None:
    settings = Settings(input_bucket="scans", results_bucket="findings", table="oct").model_copy(update=missing)
    with pytest.raises(RuntimeError, match="OCT_RESULTS_BUCKET that is not OCT_INPUT_BUCKET"):
        parts(settings)


def test_objects_without_the_prefix_are_let_be(cloud: Cloud, queue: Poller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCT_INPUT_PREFIX", "oct/")
    for key in ("oct/a.png", "fundus/a.png"):
        put_scan(key, SCANS["answered.png"])
    drain(queue)
    assert list(results()) == ["findings/oct/a.png.json"]
    assert waiting(cloud) == 0


def test_logs_hold_no_key(cloud: Cloud, queue: Poller, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", written)
    put_scan("Müller-Erika.png", SCANS["answered.png"])
    clients.sqs().send_message(QueueUrl=cloud.queue_url, MessageBody='{"Records": [{"name": "Müller-Erika"}]}')
    drain(queue)
    assert "batch done" in written.getvalue()
    assert "ller-Erika" not in written.getvalue()
