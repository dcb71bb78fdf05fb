import io
import json
from pathlib import Path

import pytest

from lambda_src.cli.classify import classify
from lambda_src.cli.rows import FORMATS
from lambda_src.settings import Settings
from tests.support.bad_inputs import BAD_INPUTS
from tests.support.pictures import band, encoded


def _run(bundle: Path, paths: list[Path], **settings: object) -> list[dict[str, dict[str, object]]]:
    out = io.StringIO()
    classify(paths, Settings(model_uri=str(bundle), **settings), FORMATS["jsonl"], jobs=3, out=out)  # type: ignore[arg-type]
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_more_scans_than_one_batch_keep_their_order_and_their_answers(tiny_bundle: Path, tmp_path: Path) -> None:
    means = [0.1, 0.2, 0.3, 0.4]
    expected = []
    for index in range(41):
        bad = index % 7 == 3
        (tmp_path / f"{index:03}.png").write_bytes(b"" if bad else encoded(band(means[index % 4], seed=index)))
        expected.append(None if bad else ("CNV", "DME", "DRUSEN", "NORMAL")[index % 4])
    rows = _run(tiny_bundle, [tmp_path])
    assert [Path(str(row["file"])).name for row in rows] == [f"{index:03}.png" for index in range(41)]
    assert [row["finding"]["label"] if "finding" in row else None for row in rows] == expected


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=lambda bad: bad.name)
def test_every_bad_file_gets_its_row(tiny_bundle: Path, tmp_path: Path, bad: object) -> None:
    path = tmp_path / "file"
    path.write_bytes(bad.make())  # type: ignore[attr-defined]
    (row,) = _run(tiny_bundle, [path])
    told = row["finding"]["outcome"] if "finding" in row else str(row["problem"]["type"]).removeprefix("urn:oct:problem:")
    assert told == bad.answer  # type: ignore[attr-defined]


def test_a_file_that_is_not_there_gets_its_row(tiny_bundle: Path, tmp_path: Path) -> None:
    (row,) = _run(tiny_bundle, [tmp_path / "none.png"])
    assert row["problem"]["type"] == "urn:oct:problem:not-found"
    assert "none.png" not in str(row["problem"])


def test_the_limit_is_the_settings_own(tiny_bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    path.write_bytes(encoded(band(0.2)))
    (row,) = _run(tiny_bundle, [path], max_bytes=100)
    assert (row["problem"]["limit"], row["problem"]["value"]) == (100, path.stat().st_size)


def test_an_empty_folder_has_no_rows(tiny_bundle: Path, tmp_path: Path) -> None:
    assert _run(tiny_bundle, [tmp_path]) == []
