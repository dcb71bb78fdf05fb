"""One scan, one bundle, every door: the same Finding but for its id and time. The bucket's door has its test beside the batch."""

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambda_src.classifier import load_classifier
from lambda_src.cli.main import main
from lambda_src.imaging.decode import decode
from tests.support.http import client_of
from tests.support.lambda_http import event, started
from tests.support.pictures import band, encoded

BOUNDARY = "oct"
Door = Callable[[bytes], dict[str, Any]]

SCANS = {
    "answered": encoded(band(0.1)),
    "deferred": encoded(band(0.25), "TIFF"),
    "out of distribution": encoded(255 - band(0.1), "BMP"),
    "ungradable": encoded(band(0.2)[:8], "WEBP", lossless=True),
    "jpeg": encoded(band(0.4), "JPEG", quality=90),
}


def _multipart(data: bytes) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    return head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


def _doors(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> dict[str, Door]:
    client = client_of(bundle)
    api = started(monkeypatch, bundle)

    def command(data: bytes) -> dict[str, Any]:
        path = tmp_path / "scan"
        path.write_bytes(data)
        assert main(["classify", str(path), "--bundle", str(bundle)]) == 0
        row = json.loads(capsys.readouterr().out)
        return dict(row.get("finding") or row["problem"])

    def page(data: bytes) -> dict[str, Any]:
        found = client.post("/v1/findings?overlay=png", files={"file": ("scan", io.BytesIO(data))}).json()
        (found.get("heat_map") or {}).pop("overlay", None)
        return dict(found)

    def lambda_event(data: bytes, **headers: str) -> dict[str, Any]:
        return dict(json.loads(api.handler(event("POST", "/v1/findings", data, headers=headers), None)["body"]))

    form = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    return {
        "core": lambda data: load_classifier(bundle).finding(decode(data)).wire(),
        "raw": lambda data: dict(client.post("/v1/findings", content=data).json()),
        "multipart": lambda data: dict(client.post("/v1/findings", content=_multipart(data), headers=form).json()),
        "page": page,
        "command": command,
        "lambda": lambda_event,
        "lambda multipart": lambda data: lambda_event(_multipart(data), **form),
    }


def _same(doors: dict[str, Door], scan: bytes) -> tuple[str | None, dict[str, Any]]:
    """Check that all doors answer alike but for id and time. Gives the label and the common body."""
    answers = {name: door(scan) for name, door in doors.items()}
    assert len({answer.pop("id") for answer in answers.values()}) == len(answers)
    assert all(answer.pop("created").endswith("Z") for answer in answers.values())
    assert {json.dumps(answer, sort_keys=True) for answer in answers.values()} == {json.dumps(answers["core"], sort_keys=True)}
    return answers["core"]["label"], answers["core"]


@pytest.mark.parametrize("kind", SCANS)
def test_every_door_gives_the_same_finding(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    _same(_doors(tiny_bundle, tmp_path, monkeypatch, capsys), SCANS[kind])


@pytest.mark.parametrize("name", ["cnv", "dme", "drusen", "normal"])
def test_every_door_gives_a_sample_of_the_bundle_in_use_its_class(
    real_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    doors = _doors(real_bundle, tmp_path, monkeypatch, capsys)
    label, body = _same(doors, (real_bundle / "golden" / f"{name}.png").read_bytes())
    golden = json.loads((real_bundle / "golden" / f"{name}.json").read_bytes())
    assert label == golden["label"] == name.upper()
    assert body["prediction_set"] == golden["prediction_set"]


@pytest.mark.real_data
@pytest.mark.parametrize("label", ["CNV", "DME", "DRUSEN", "NORMAL"])
def test_every_door_gives_the_same_finding_of_a_real_scan(
    real_bundle: Path,
    real_scans: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    label: str,
) -> None:
    scan = min((real_scans / label).iterdir())
    _same(_doors(real_bundle, tmp_path, monkeypatch, capsys), scan.read_bytes())


@pytest.mark.parametrize("body", [b"", b"no picture", encoded(band(0.1), "JPEG")[:-300]], ids=["empty", "text", "truncated"])
def test_every_door_tells_the_same_problem(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], body: bytes
) -> None:
    doors = _doors(tiny_bundle, tmp_path, monkeypatch, capsys)
    del doors["core"]
    assert len({json.dumps(door(body), sort_keys=True) for door in doors.values()}) == 1


def test_a_bundle_with_one_byte_changed_is_refused_alike(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = shutil.copytree(tiny_bundle, tmp_path / "broken")
    model = bytearray((broken / "model.onnx").read_bytes())
    model[len(model) // 2] ^= 1
    (broken / "model.onnx").write_bytes(model)
    scan = encoded(band(0.1))
    by_http = client_of(broken).post("/v1/findings", content=scan).json()
    api = started(monkeypatch, broken)
    by_lambda = json.loads(api.handler(event("POST", "/v1/findings", scan), None)["body"])
    assert main(["classify", str(tmp_path), "--bundle", str(broken)]) == 2
    by_command = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert by_http == by_lambda == by_command
    assert by_http["type"] == "urn:oct:problem:bundle-refused"
