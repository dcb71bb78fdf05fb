"""2,000 scans through the batch entry point, its workers throttled and killed: none lost, none twice, every poison named.

`OCT_SOAK_SCANS` sets another number.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from lambda_src.aws import clients
from lambda_src.aws.scans import RESULTS_PREFIX
from lambda_src.local.cloud import upload_bundle
from lambda_src.local.names import FINDINGS, SCANS, TABLE, join
from tests.rehearsal.soak import MAX_BYTES, MEANS, Plan, name

COUNT = int(os.environ.get("OCT_SOAK_SCANS", "2000"))
DIES_EVERY = min(200, COUNT // 8)
WORKERS = 2
VISIBILITY_S = 20
DEADLINE_S = 2000


@pytest.fixture
def queue_url(root: Path, tiny_bundle: Path) -> Iterator[str]:
    before = dict(os.environ)
    command = [sys.executable, "-m", "tests.rehearsal.cloud_process"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as cloud:
        assert cloud.stdout is not None
        join(cloud.stdout.readline().strip())
        os.environ["OCT_MAX_BYTES"] = str(MAX_BYTES)
        os.environ["POWERTOOLS_LOG_LEVEL"] = "CRITICAL"
        upload_bundle(tiny_bundle)
        clients.s3().put_bucket_notification_configuration(Bucket=SCANS, NotificationConfiguration={})
        url = os.environ["OCT_QUEUE_URL"]
        clients.sqs().purge_queue(QueueUrl=url)
        # deaths count as tries, and there are many on purpose
        dead = clients.sqs().get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"]
        policy = json.loads(dead) | {"maxReceiveCount": 20}
        attributes: Any = {"VisibilityTimeout": str(VISIBILITY_S), "RedrivePolicy": json.dumps(policy)}
        clients.sqs().set_queue_attributes(QueueUrl=url, Attributes=attributes)
        yield url
        cloud.kill()
    os.environ.clear()
    os.environ.update(before)


def upload(plan: Plan, url: str) -> None:
    bodies = plan.bodies()
    again = bodies[len(bodies) - plan.uploaded_again :]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda item: plan.upload(*item), bodies[: len(bodies) - plan.uploaded_again]))
        list(pool.map(lambda item: plan.upload(*item), again))
    messages = [{"Id": name(), "MessageBody": json.dumps({"Records": events})} for events in plan.deliveries()]
    for start in range(0, len(messages), 10):
        entries: Any = messages[start : start + 10]
        clients.sqs().send_message_batch(QueueUrl=url, Entries=entries)


def waiting(url: str) -> int:
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return sum(
        int(value) for value in clients.sqs().get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()
    )


def work(root: Path, url: str) -> int:
    """Run workers until the queue is empty; a dead one is replaced. Gives the number of deaths."""
    lives = count()

    def live() -> "subprocess.Popen[bytes]":
        life = next(lives)
        where = ("kept", "written")[life % 2]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.rehearsal.mortal_worker", str(DIES_EVERY), where, str(life)], cwd=root
        )

    workers = [live() for _ in range(WORKERS)]
    end = time.monotonic() + DEADLINE_S
    deaths = 0
    while waiting(url) and time.monotonic() < end:
        time.sleep(1)
        dead = [worker for worker in workers if worker.poll() is not None]
        deaths += len(dead)
        workers = [worker for worker in workers if worker not in dead] + [live() for _ in dead]
    for worker in workers:
        worker.kill()
        worker.wait()
    return deaths


def kept() -> dict[str, Any]:
    """What the table holds, by the ids of findings."""
    pages = clients.dynamodb().get_paginator("scan").paginate(TableName=TABLE)
    items = [item for page in pages for item in page["Items"] if item["pk"]["S"].startswith("finding#")]
    return {item["pk"]["S"].removeprefix("finding#"): json.loads(item["body"]["S"]) for item in items}


def written() -> list[tuple[str, bool, Any]]:
    """Every write of a result that ever was: the scan's key, whether it is the latest, and the body."""
    pages = clients.s3().get_paginator("list_object_versions").paginate(Bucket=FINDINGS, Prefix=RESULTS_PREFIX)
    entries = [entry for page in pages for entry in page.get("Versions", [])]

    def body(entry: Any) -> Any:
        found = clients.s3().get_object(Bucket=FINDINGS, Key=entry["Key"], VersionId=entry["VersionId"])
        return json.loads(found["Body"].read())

    with ThreadPoolExecutor(8) as pool:
        bodies = list(pool.map(body, entries))
    keys = [entry["Key"].removeprefix(RESULTS_PREFIX).removesuffix(".json") for entry in entries]
    return list(zip(keys, (entry["IsLatest"] for entry in entries), bodies, strict=True))


def answer(body: dict[str, Any]) -> str:
    return str(body["problem"]["type"]).removeprefix("urn:oct:problem:") if "problem" in body else str(body["label"])


@pytest.mark.timeout(2400)
def test_none_lost_none_twice_every_poison_named(root: Path, queue_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    plan = Plan(COUNT)
    upload(plan, queue_url)
    began = time.monotonic()
    deaths = work(root, queue_url)
    took_s = time.monotonic() - began
    findings, writes = kept(), written()
    results = {key: body for key, latest, body in writes if latest}
    wanted = {made for versions in plan.answers.values() for made in versions}
    double = [made for made, times in Counter(body["id"] for _, _, body in writes).items() if times > 1]
    differing = [key for key, _, body in writes if body != findings.get(body["id"])]
    wrong = [key for key, body in results.items() if answer(body) != plan.answers[key][body["id"]]]
    stale = [key for key, newest in plan.newest.items() if key in results and results[key]["id"] != newest]
    named = Counter(answer(body) for body in results.values() if answer(body) not in MEANS)
    with capsys.disabled():
        print(
            f"\n{COUNT} scans under {len(plan.newest)} keys: {plan.delivered_twice} events twice, {plan.copies} copies, ", end=""
        )
        print(f"{plan.uploaded_again} uploaded again, {plan.poisoned} poison; {deaths} workers killed; {took_s:.0f} s")
        print(
            f"versions {len(wanted)}  kept {len(findings)}  lost {len(wanted - set(findings))}  "
            f"double {len(set(findings) - wanted) + len(double)}  differing {len(differing)}"
        )
        print(f"keys {len(plan.newest)}  published {len(results)}  wrong {len(wrong)}  stale {len(stale)}")
        print(f"poison named: {dict(sorted(named.items()))}")
    assert waiting(queue_url) == 0
    assert deaths >= COUNT // DIES_EVERY // 2
    assert set(findings) == wanted
    assert (double, differing) == ([], [])
    assert set(results) == set(plan.newest)
    assert (wrong, stale) == ([], [])
    assert sum(named.values()) == plan.poisoned
    assert max(named.values()) - min(named.values()) <= 1
    assert len(named) == 6
