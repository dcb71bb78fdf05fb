"""The backfill's state machine over a few thousand scans: an emulator works through it, the real entry point is called.

The emulator (ministack 1.5) knows neither JSONata in a map's reader nor the batcher nor the result writer. So the batches that
the batcher would make lie in a JSON file here; the map with its concurrency and tolerance, and each child's states, retries and
ending, are the deployed definition's. `OCT_BACKFILL_SCANS` sets another number of scans. The emulator lies in an environment of
its own, since it pins a botocore that is not ours: `make rehearse` and `.ci/run` make that, `OCT_MINISTACK` names another.
"""

import json
import os
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import boto3
import httpx2
import pytest

from infra.components.backfill import ITEMS_PER_BATCH, definition
from lambda_src.aws import clients
from lambda_src.aws.bundle import open_classifier
from lambda_src.aws.operator import listing
from lambda_src.handlers import batch
from lambda_src.local.cloud import build, upload_bundle
from lambda_src.local.names import FINDINGS, SCANS, join
from lambda_src.local.poller import Context
from tests.rehearsal.rehearse_machine import CACHE
from tests.rehearsal.soak import PICTURES
from tests.support.strict_s3 import free_port

COUNT = int(os.environ.get("OCT_BACKFILL_SCANS", "2000"))
POISON_EVERY = 50
BATCHES = "backfill/batches.json"
MINISTACK = os.environ.get("OCT_MINISTACK") or shutil.which("ministack", path=f"{CACHE / 'tools' / 'bin'}:{os.environ['PATH']}")
ARN = "arn:aws:iam::000000000000:role/any"
FUNCTION = "oct-batch"
DEADLINE_S = 900

pytestmark = pytest.mark.skipif(MINISTACK is None, reason="ministack is not installed (make rehearse, or OCT_MINISTACK)")


class Runtime(BaseHTTPRequestHandler):
    """Lambda's invocation address in front of the entry point."""

    calls: ClassVar[Counter[str]] = Counter()

    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps(batch.handler(event, Context())).encode()
        self.calls["batches"] += 1
        self.calls["scans"] += len(event["Records"])
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """Silent: a request names nothing that a log needs."""


@pytest.fixture
def aws(tiny_bundle: Path, tmp_path: Path) -> Iterator[str]:
    before, port = dict(os.environ), free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
    }
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen([str(MINISTACK)], env=os.environ | settings, stdout=log, stderr=log) as process,
    ):
        wait_for(url)
        join(url)
        batch.logger.setLevel("CRITICAL")
        os.environ["OCT_QUEUE_URL"], _ = build()
        clients.s3().put_bucket_notification_configuration(Bucket=SCANS, NotificationConfiguration={})
        upload_bundle(tiny_bundle)
        open_classifier.cache_clear()
        yield url
        batch.logger.setLevel("INFO")
        process.kill()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def runtime(aws: str) -> Iterator[str]:
    del aws
    server = ThreadingHTTPServer(("127.0.0.1", 0), Runtime)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/2015-03-31/functions/function/invocations"
    server.shutdown()
    server.server_close()


def wait_for(url: str) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            httpx2.get(url)
        except httpx2.TransportError:
            assert time.monotonic() < end, "ministack did not start"
            time.sleep(0.2)
        else:
            return


def state_machine(runtime: str) -> str:
    functions: Any = boto3.client("lambda")
    function = functions.create_function(
        FunctionName=FUNCTION,
        Role=ARN,
        Runtime="python3.11",
        Handler="any.handler",
        Timeout=300,
        Code={"ZipFile": b"PK\x05\x06" + bytes(18)},
        Environment={"Variables": {"MINISTACK_LAMBDA_PROXY_URL": runtime}},
    )["FunctionArn"]
    machine = definition(function_arn=function, results_bucket=FINDINGS, max_concurrency=8)
    machine["States"]["EachScan"]["ItemReader"] = {
        "Resource": "arn:aws:states:::s3:getObject",
        "Arguments": {"Bucket": SCANS, "Key": BATCHES},
    }
    for unknown in ("ItemSelector", "ItemBatcher", "ResultWriter"):
        del machine["States"]["EachScan"][unknown]
    machines: Any = boto3.client("stepfunctions")
    made = machines.create_state_machine(name="backfill", definition=json.dumps(machine), roleArn=ARN)
    return str(made["stateMachineArn"])


def put_batches(keys: list[str]) -> None:
    """What the reader, the selector and the batcher of the definition would give to each child."""
    items = [{"messageId": str(index), "body": event_of(key)} for index, key in enumerate(keys)]
    batches = [{"Items": items[start : start + ITEMS_PER_BATCH]} for start in range(0, len(items), ITEMS_PER_BATCH)]
    clients.s3().put_object(Bucket=SCANS, Key=BATCHES, Body=json.dumps(batches).encode())


def event_of(key: str) -> str:
    detail = {"bucket": {"name": SCANS}, "object": {"key": key}}
    return json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": detail})


def run(machine: str) -> dict[str, Any]:
    machines: Any = boto3.client("stepfunctions")
    execution = machines.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
    end = time.monotonic() + DEADLINE_S
    while (told := machines.describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < end
        time.sleep(0.5)
    return dict(told)


@pytest.mark.timeout(1200)
def test_every_scan_under_the_prefix_gets_its_result(runtime: str, capsys: pytest.CaptureFixture[str]) -> None:
    wanted: dict[str, str] = {}

    def put(index: int) -> None:
        label, body = ("rejected", b"no scan") if index % POISON_EVERY == 0 else PICTURES[index % len(PICTURES)]
        key = f"archive/{index % 9}/eye {index}+ü.png"
        clients.s3().put_object(Bucket=SCANS, Key=key, Body=body)
        wanted[key] = label

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(COUNT)))
    put_batches(sorted(wanted))
    machine = state_machine(runtime)
    began = time.monotonic()
    told = run(machine)
    took_s = time.monotonic() - began
    assert told["status"] == "SUCCEEDED", (told.get("error"), told.get("cause"))
    found = {key.removeprefix("findings/").removesuffix(".json") for key in listing(FINDINGS, "findings/")}
    calls = dict(Runtime.calls)
    again = run(machine)["status"]
    with capsys.disabled():
        print(f"\nbackfill of {COUNT} scans: {calls['batches']} batches, {len(found)} results; {took_s:.0f} s")
    assert found == set(wanted)
    assert calls["scans"] == COUNT
    assert again == "SUCCEEDED"
    versions: Any = clients.s3().list_object_versions(Bucket=FINDINGS, Prefix="findings/archive/0/", MaxKeys=1000)
    assert len({entry["Key"] for entry in versions["Versions"]}) == len(versions["Versions"]), "a second run wrote a result again"
