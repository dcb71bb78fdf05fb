import io
import json
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lambda_src.batch.rejection import rejection
from lambda_src.batch.summary import write_ndjson
from lambda_src.classifier import load_classifier
from lambda_src.cli.rows import Row, json_lines
from lambda_src.errors import Truncated
from lambda_src.finding import new_id
from lambda_src.imaging.decode import decode
from tests.support.pictures import band, encoded
from training.errors import TrainingError
from training.findings import Found, Period, Unread, found, gather, in_files, in_scans, parse

SECRET = "Smith-Jane-1961"


@pytest.fixture(scope="module")
def classifier(tiny_bundle):
    return load_classifier(tiny_bundle)


@pytest.fixture(scope="module")
def finding(classifier):
    return classifier.finding(decode(encoded(band(0.2))))


def refused():
    return rejection(Truncated("Cut short."), id=new_id(), created="2026-02-03T04:05:06Z")


def lines_of(write, *answers):
    out = io.StringIO()
    write([(f"{SECRET}.png", body) for body in answers], out)
    return out.getvalue()


def rows_of(*answers):
    out = io.StringIO()
    for answer in answers:
        json_lines(out, ())(Row(Path(f"{SECRET}.png"), answer))
    return out.getvalue()


def read(*paths):
    return [item for item, _ in in_files(paths)]


def test_results_of_the_bucket_and_both_kinds_of_lines_say_the_same(finding, tmp_path):
    bucket = tmp_path / "findings" / "site" / "day"
    bucket.mkdir(parents=True)
    (bucket / f"{SECRET}.png.json").write_text(finding.wire_json())
    (bucket / "torn.png.json").write_text(refused().model_dump_json())
    (bucket / ".hidden.json").write_text("{")
    (bucket / "notes.txt").write_text("no finding")
    export, rows = tmp_path / "export.ndjson", tmp_path / "rows.jsonl"
    export.write_text(lines_of(write_ndjson, finding.wire(), refused().model_dump()))
    rows.write_text(rows_of(finding, Truncated("Cut short.")) + "\n")
    moment = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert read(tmp_path / "findings") == [found(finding), Unread(created=moment)]
    assert read(export) == [found(finding), Unread(created=moment)]
    assert read(rows) == [found(finding), Unread()]
    assert len(read(export, rows, tmp_path / "findings")) == 6


def test_fields_of_a_later_schema_are_passed_over(finding):
    assert parse(json.dumps({**finding.wire(), "eye": "left"}).encode(), "here") == found(finding)


@pytest.mark.parametrize(
    "broken",
    [
        f'{{"file": "{SECRET}", "finding": {{',
        f'"{SECRET}"',
        f'{{"{SECRET}": 1}}',
        f'{{"file": "{SECRET}", "finding": {{"id": "{SECRET}", "outcome": "{SECRET}"}}}}',
        "[" * 100_000,
        f"file,outcome\n{SECRET},answered",
        b"\xff\xfe" + SECRET.encode(),
        "5",
    ],
)
def test_a_broken_line_is_named_by_its_number_without_its_content(finding, tmp_path, broken):
    (tmp_path / "whole.jsonl").write_text(rows_of(finding))
    content = broken if isinstance(broken, bytes) else broken.encode()
    path = tmp_path / f"{SECRET}.ndjson"
    path.write_bytes(rows_of(finding).encode() + b"\n" + content + b"\n" + rows_of(finding).encode())
    with pytest.raises(TrainingError, match=r"^--findings 2, line 3: ") as caught:
        read(tmp_path / "whole.jsonl", path)
    assert SECRET not in str(caught.value)


def test_a_score_that_is_no_number_is_no_finding(finding):
    body = finding.wire()
    body["ood"]["score"] = float("nan")
    with pytest.raises(TrainingError, match="neither a finding nor a rejection"):
        parse(json.dumps(body).encode(), "here")


def test_files_are_named_by_their_place(finding, tmp_path):
    for number in range(3):
        (tmp_path / f"{SECRET}-{number}.json").write_text(finding.wire_json() if number != 1 else "{")
    with pytest.raises(TrainingError, match=r"^--findings 1, file 2 of 3 by path: no JSON"):
        read(tmp_path)
    with pytest.raises(TrainingError, match=r"^--findings 1 can't be read: No such file or directory$"):
        read(tmp_path / SECRET)
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingError, match=r"^--findings 1: the folder holds no \.json"):
        read(tmp_path / "empty")


def test_scans_anywhere_below_are_read_and_a_torn_one_counts(classifier, tmp_path):
    for number in range(20):
        folder = tmp_path / f"day {number % 3}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.png").write_bytes(encoded(band(0.2, seed=number)) if number != 4 else b"torn")
    (tmp_path / "notes.txt").write_text("no scan")
    items = list(in_scans(classifier, tmp_path))
    assert [isinstance(item, Unread) for item, _ in items].count(True) == 1
    assert len(items) == 20
    for item, embedding in items:
        if isinstance(item, Found):
            assert embedding == pytest.approx([0.2, 0.2], abs=0.01)
        else:
            assert embedding is None


def test_a_folder_without_scans_is_refused(classifier, tmp_path):
    with pytest.raises(TrainingError, match="the folder holds no picture"):
        list(in_scans(classifier, tmp_path / "nowhere"))


def many(finding, count, **changed):
    return [(found(finding).model_copy(update={"id": new_id(), **changed}), None) for _ in range(count)]


def test_what_does_not_count_is_counted(classifier, finding):
    own = many(finding, 60)
    older = found(finding).model.model_copy(update={"version": "0.0.0"})
    other = found(finding).model.model_copy(update={"sha256": "f" * 64})
    early = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)
    items = own + own[:2] + many(finding, 3, model=older) + many(finding, 4, model=other) + many(finding, 5, created=early)
    items += [(Unread(), None), (Unread(created=early), None)]
    sample, left_out = gather(items, classifier.manifest, Period(since=date(2026, 2, 1)))
    assert len(sample.scores) == 60
    assert left_out == {"other_dates": 6, "unread": 1, "other_model": 7, "repeated": 2}
    assert sample.embedding is None


def test_scans_that_the_bundle_was_trained_on_do_not_count(classifier, finding):
    training = classifier.manifest.training.model_copy(update={"real_images_sha256": [finding.image.sha256]})
    manifest = classifier.manifest.model_copy(update={"training": training})
    with pytest.raises(TrainingError, match=r"^0 findings by oct-tiny 0\.0\.1; .* left out: 70 that this bundle was trained on$"):
        gather(many(finding, 70), manifest, Period())


def test_of_ungradable_scans_the_outcome_alone_counts(classifier, finding):
    unfit = many(finding.model_copy(update={"outcome": "ungradable"}), 55)
    point = np.zeros(2, np.float32)
    sample, _ = gather([(item, point) for item, _ in unfit + many(finding, 7)], classifier.manifest, Period())
    assert sample.outcomes == {"ungradable": 55, finding.outcome: 7}
    assert (sample.scans, len(sample.scores), sample.top_classes) == (62, 7, {finding.top_class: 7})
    assert sample.embedding is None


def test_too_few_are_refused_with_their_number(classifier, finding):
    with pytest.raises(TrainingError, match=r"^49 findings by oct-tiny 0\.0\.1; drift needs at least 50$"):
        gather(many(finding, 49), classifier.manifest, Period())


def test_embeddings_that_are_no_numbers_are_not_averaged(classifier, finding):
    points = [np.array([0.2, np.nan if index < 5 else 0.2], np.float32) for index in range(60)]
    items = [(item, point) for (item, _), point in zip(many(finding, 60), points, strict=True)]
    sample, _ = gather(items, classifier.manifest, Period())
    assert sample.embedding is not None
    assert (len(sample.scores), sample.embedding.shape) == (60, (55, 2))


def test_a_period_is_of_whole_days_in_utc():
    period = Period(date(2026, 2, 1), date(2026, 2, 28))
    east = timezone(timedelta(hours=9))
    assert period.holds(datetime(2026, 2, 1, tzinfo=UTC))
    assert period.holds(datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC))
    assert period.holds(datetime(2026, 3, 1, 8, 59, tzinfo=east))
    assert not period.holds(datetime(2026, 3, 1, tzinfo=UTC))
    assert not period.holds(datetime(2026, 2, 1, 8, 59, tzinfo=east))
    assert Period().holds(datetime(1999, 1, 1, tzinfo=UTC))


def test_a_picture_is_read_by_its_content(classifier, tmp_path):
    Image.fromarray(band(0.3)).save(tmp_path / "scan.JPG", "PNG")
    [(item, _)] = in_scans(classifier, tmp_path)
    assert isinstance(item, Found)
    assert item.top_class == "DRUSEN"
