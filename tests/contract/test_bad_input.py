"""The table of bad inputs, over HTTP: each has its own status and type, none is a 500, none takes much memory."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.support.bad_inputs import BAD_INPUTS, BadInput
from tests.support.http import client_of

MOST_MIB = 1024

# Own process: the peak of resident memory can only be read for a whole one. Linux hands a parent's `ru_maxrss` down to its
# children, so that the tests' own size would be measured; VmHWM begins anew with each program.
_PEAK = """
import re, resource, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import numpy as np
from tests.support.bad_inputs import BAD_INPUTS
from tests.support.http import client_of
from tests.support.pictures import encoded
client = client_of(Path(sys.argv[1]))
for bad in BAD_INPUTS:
    assert client.post("/v1/findings", content=bad.make()).status_code == bad.status
largest = encoded(np.full((6320, 6320), 0.5, np.float32), "TIFF", compression="tiff_adobe_deflate")
assert client.post("/v1/findings", content=largest).json()["outcome"] == "ungradable"
clear = encoded(np.full((5000, 8000, 4), 90, np.uint8), "WEBP", lossless=True)
with ThreadPoolExecutor(2) as pool:
    for answer in pool.map(lambda body: client.post("/v1/findings", content=body), [clear, clear]):
        assert answer.status_code == 200
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
status = Path("/proc/self/status")
if status.exists():
    peak = int(re.search("VmHWM:[\\t ]*([0-9]+)", status.read_text())[1])
print(peak // 1024)
"""


@pytest.fixture(scope="module")
def client(tiny_bundle: Path) -> TestClient:
    return client_of(tiny_bundle)


@pytest.fixture(scope="module")
def real_client(real_bundle: Path) -> TestClient:
    return client_of(real_bundle)


def _told(bad: BadInput, answer: dict[str, object]) -> object:
    return answer["outcome"] if bad.status == 200 else str(answer["type"]).removeprefix("urn:oct:problem:")


@pytest.mark.parametrize("multipart", [False, True], ids=["raw", "multipart"])
@pytest.mark.parametrize("bad", BAD_INPUTS, ids=lambda bad: bad.name)
def test_each_has_its_own_answer(client: TestClient, bad: BadInput, multipart: bool) -> None:
    body = bad.make()
    answer = client.post("/v1/findings", files={"file": body}) if multipart else client.post("/v1/findings", content=body)
    assert (answer.status_code, _told(bad, answer.json())) == (bad.status, bad.answer)


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=lambda bad: bad.name)
def test_the_bundle_in_use_refuses_alike_and_never_answers_what_is_unfit(real_client: TestClient, bad: BadInput) -> None:
    answer = real_client.post("/v1/findings", content=bad.make())
    assert answer.status_code == bad.status
    if bad.status != 200:
        assert _told(bad, answer.json()) == bad.answer
    else:
        assert answer.json()["label"] is None


@pytest.mark.parametrize("bad", [bad for bad in BAD_INPUTS if bad.status != 200], ids=lambda bad: bad.name)
def test_each_refusal_says_in_a_sentence_what_is_allowed(client: TestClient, bad: BadInput) -> None:
    problem = client.post("/v1/findings", content=bad.make()).json()
    assert re.fullmatch(r"[A-Z].*\.", problem["detail"])
    assert "JPEG, PNG, TIFF, BMP or WebP" in problem["detail"] or isinstance(problem["limit"], int)


def test_all_together_and_the_largest_pictures_take_less_than_a_gigabyte(tiny_bundle: Path, root: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _PEAK, str(tiny_bundle)], cwd=root, capture_output=True, text=True, check=True)
    assert int(done.stdout) < MOST_MIB
