import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lambda_src.batch.summary import write_ndjson
from lambda_src.classifier import load_classifier
from lambda_src.finding import new_id
from lambda_src.model.manifest import MANIFEST_FILE, Manifest, sealed
from tests.support.pictures import band
from tests.support.tiny_bundle import MEANS
from training.drift import LEAST
from training.monitor import DRIFTED, FAILED, STEADY, main
from training.reading import Reading, as_scan, read
from training.reference import reference

PATIENT = "Smith-Jane-1961"
SPREAD = 0.012
"""Of the grey means around their class's: a few lie half-way between two classes, and are deferred."""


def pictures(seed, scans, *, brighter=0.0, mix=None):
    """Pictures whose grey mean, which is all that the tiny bundle sees, is drawn around the classes'."""
    rng = np.random.default_rng(seed)
    for mean in rng.choice(list(MEANS.values()), scans, p=mix) + rng.normal(0, SPREAD, scans) + brighter:
        yield band(mean, seed=int(rng.integers(2**31)))


@pytest.fixture(scope="module")
def classifier(tiny_bundle):
    return load_classifier(tiny_bundle)


def readings(classifier, drawn) -> list[Reading]:
    return [reading for _, reading in read(classifier, list(drawn), lambda pixels: (as_scan(pixels), None))]


@pytest.fixture(scope="module")
def bundle(tiny_bundle, classifier, tmp_path_factory):
    """The tiny bundle with a reference of its own readings."""
    own = readings(classifier, pictures(1, 300))
    logits, embedding = np.stack([item.logits for item in own]), np.stack([item.embedding for item in own])
    seen = reference(logits, embedding, classifier.manifest.rule(), fitted_on="300 drawn pictures")
    folder = tmp_path_factory.mktemp("with-reference") / "bundle"
    shutil.copytree(tiny_bundle, folder)
    rewrite(folder, reference=seen)
    return folder


def rewrite(folder, **changed):
    manifest = Manifest.model_validate_json((folder / MANIFEST_FILE).read_bytes()).model_copy(update=changed)
    (folder / MANIFEST_FILE).write_text(json.dumps(sealed(manifest).model_dump(mode="json")))


@pytest.fixture(scope="module")
def month(bundle):
    """Findings of a month like the reference."""
    made = [item.finding for item in readings(load_classifier(bundle), pictures(2, 200))]
    return [finding.model_copy(update={"created": f"2026-02-{1 + n % 28:02}T12:00:00Z"}) for n, finding in enumerate(made)]


def exported(path, findings):
    with path.open("w") as out:
        write_ndjson(((f"{PATIENT}-{number}.png", finding.wire()) for number, finding in enumerate(findings)), out)
    return str(path)


def drifted(out):
    return [change["measure"] for change in json.loads((out / "monitor.json").read_text())["changes"] if change["drift"]]


def monitored(bundle, findings, tmp_path):
    """Exit code of the command on an export of findings, and what has drifted."""
    export = exported(tmp_path / "month.ndjson", findings)
    code = main(["--bundle", str(bundle), "--findings", export, "--out", str(tmp_path / "out")])
    return code, drifted(tmp_path / "out")


def test_a_month_like_the_reference_has_not_drifted(bundle, month, tmp_path, capsys):
    assert monitored(bundle, month, tmp_path) == (STEADY, [])
    shown = capsys.readouterr().out
    assert "200 scans against a reference of 300 (300 drawn pictures)" in shown
    assert shown.splitlines()[-1].startswith("drift: no")
    kept = json.loads((tmp_path / "out" / "monitor.json").read_text())
    assert (kept["drift"], kept["scans"], len(kept["changes"])) == (False, 200, 6)
    assert sum(kept["outcomes"].values()) == sum(kept["top_classes"].values()) == 200


def test_a_shifted_score_is_drift(bundle, month, tmp_path, capsys):
    far = [
        finding.model_copy(update={"ood": finding.ood.model_copy(update={"score": finding.ood.score + 0.05})})
        for finding in month
    ]
    assert monitored(bundle, far, tmp_path) == (DRIFTED, ["OOD score, stability index", "OOD score, KS distance"])
    assert capsys.readouterr().out.splitlines()[-1].startswith("drift: yes")


def test_another_class_mix_is_drift(bundle, month, tmp_path):
    mixed = [finding.model_copy(update={"top_class": "CNV"}) if n % 3 == 0 else finding for n, finding in enumerate(month)]
    assert monitored(bundle, mixed, tmp_path) == (DRIFTED, ["class mix, total variation"])


def test_many_scans_of_few_patients_may_differ_by_chance(bundle, month, tmp_path, capsys):
    mixed = [finding.model_copy(update={"top_class": "CNV"}) if n % 3 == 0 else finding for n, finding in enumerate(month)]
    export = exported(tmp_path / "m.ndjson", mixed)
    assert main(["--bundle", str(bundle), "--findings", export, "--scans-per-patient", "25"]) == STEADY
    assert "scans of a patient, by --scans-per-patient: 25" in capsys.readouterr().out


@pytest.mark.parametrize("outcome", ["deferred", "out_of_distribution", "ungradable"])
def test_more_scans_for_a_person_are_drift(bundle, month, tmp_path, outcome):
    unsure = [finding.model_copy(update={"outcome": outcome}) if n % 8 == 0 else finding for n, finding in enumerate(month)]
    assert monitored(bundle, unsure, tmp_path) == (DRIFTED, [outcome.replace("_", " ")])


def test_a_month_of_ungradable_scans_is_drift_of_just_that(bundle, month, tmp_path, capsys):
    unfit = [finding.model_copy(update={"outcome": "ungradable"}) for finding in month]
    code, measures = monitored(bundle, unfit, tmp_path)
    assert (code, measures[-1]) == (DRIFTED, "ungradable")
    assert "only 0 scans are gradable, 50 are needed to compare score and class mix" in capsys.readouterr().out
    kept = json.loads((tmp_path / "out" / "monitor.json").read_text())
    assert (kept["scans"], kept["top_classes"], len(kept["changes"])) == (200, {}, 3)
    assert (tmp_path / "out" / "monitor.png").exists()


def folder_of(root, drawn):
    for number, pixels in enumerate(drawn):
        folder = root / f"{PATIENT}-{number % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{PATIENT}-{number}.png")
    return str(root)


def test_scans_like_the_reference_have_not_drifted(bundle, tmp_path, capsys):
    scans = folder_of(tmp_path / "scans", pictures(3, 120))
    (tmp_path / "scans" / f"{PATIENT}.png").write_bytes(b"torn")
    assert main(["--bundle", str(bundle), "--data", scans, "--out", str(tmp_path / "out")]) == STEADY
    shown = capsys.readouterr()
    assert "left out: 1 rejected, or a problem" in shown.out
    assert "embedding, largest shift (mean of axis " in shown.out
    assert PATIENT not in shown.out + shown.err + (tmp_path / "out" / "monitor.json").read_text()


def test_brighter_scans_move_the_embedding(bundle, tmp_path):
    scans = folder_of(tmp_path / "scans", pictures(3, 120, brighter=0.09))
    assert main(["--bundle", str(bundle), "--data", scans, "--out", str(tmp_path / "out")]) == DRIFTED
    assert "embedding, largest shift" in drifted(tmp_path / "out")


@pytest.mark.parametrize("source", ["findings", "data"])
def test_the_picture_has_a_panel_more_where_scans_were_read(bundle, month, tmp_path, source):
    given = exported(tmp_path / "m.ndjson", month) if source == "findings" else folder_of(tmp_path / "s", pictures(3, LEAST))
    main(["--bundle", str(bundle), f"--{source}", given, "--out", str(tmp_path / "out")])
    with Image.open(tmp_path / "out" / "monitor.png") as plot:
        assert plot.size == ((1620, 525) if source == "findings" else (2160, 525))
        assert np.asarray(plot.convert("L")).std() > 20


def test_the_same_findings_give_the_same_files(bundle, month, tmp_path):
    export = exported(tmp_path / "m.ndjson", month)
    for name in ("one", "two"):
        main(["--bundle", str(bundle), "--findings", export, "--out", str(tmp_path / name)])
    for name in ("monitor.json", "monitor.png"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_dates_select_findings(bundle, month, tmp_path, capsys):
    export = exported(tmp_path / "m.ndjson", month)
    assert main(["--bundle", str(bundle), "--findings", export, "--since", "2026-02-08", "--until", "2026-02-21"]) == STEADY
    assert "left out: 102 of other dates" in capsys.readouterr().out
    assert main(["--bundle", str(bundle), "--findings", export, "--since", "2026-03-01"]) == FAILED
    assert "0 findings by oct-tiny 0.0.1; drift needs at least 50; left out: 200 of other dates" in capsys.readouterr().err


def test_findings_of_another_version_do_not_count(bundle, month, tmp_path, capsys):
    old = [f.model_copy(update={"id": new_id(), "model": f.model.model_copy(update={"version": "0.0.0"})}) for f in month]
    export = exported(tmp_path / "m.ndjson", [*month, *old])
    assert main(["--bundle", str(bundle), "--findings", export]) == STEADY
    assert "left out: 200 by another graph or version" in capsys.readouterr().out
    assert main(["--bundle", str(bundle), "--findings", exported(tmp_path / "old.ndjson", old)]) == FAILED
    assert "left out: 200 by another graph or version" in capsys.readouterr().err


def test_a_bundle_without_a_reference_is_refused(tiny_bundle, month, tmp_path, capsys):
    assert main(["--bundle", str(tiny_bundle), "--findings", exported(tmp_path / "m.ndjson", month)]) == FAILED
    shown = capsys.readouterr()
    assert "oct-tiny 0.0.1 has no reference" in shown.err
    assert not shown.out


def test_a_broken_line_ends_with_1_and_its_number(bundle, month, tmp_path, capsys):
    export = Path(exported(tmp_path / f"{PATIENT}.ndjson", month))
    export.write_text(export.read_text() + f'{{"file": "{PATIENT}')
    assert main(["--bundle", str(bundle), "--findings", str(export)]) == FAILED
    shown = capsys.readouterr()
    assert shown.err.startswith("monitor: --findings 1, line 201: no JSON")
    assert PATIENT not in shown.err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--findings", "x", "--data", "y"],
        ["--data", "x", "--since", "2026-01-01"],
        ["--findings", "x", "--since", "20260101"],
        ["--findings", "x", "--until", "last month"],
        ["--findings", "x", "--scans-per-patient", "0.5"],
        ["--findings", "x", "--scans-per-patient", "nan"],
    ],
)
def test_a_wrong_command_line_is_no_drift(bundle, arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--bundle", str(bundle), *arguments])
    assert ended.value.code == FAILED
    assert "monitor: " in capsys.readouterr().err


def test_an_output_that_can_not_be_written_is_told(bundle, month, tmp_path, capsys):
    (tmp_path / "taken").write_text("a file")
    command = ["--bundle", str(bundle), "--findings", exported(tmp_path / "m.ndjson", month), "--out", str(tmp_path / "taken")]
    assert main(command) == FAILED
    assert "--out can't be written: File exists" in capsys.readouterr().err


def test_a_missing_bundle_is_told(tmp_path, capsys):
    assert main(["--bundle", str(tmp_path), "--findings", "x"]) == FAILED
    assert "manifest.json" in capsys.readouterr().err


def test_it_is_measured_without_torch_and_matplotlib():
    code = "import training.monitor, sys; sys.exit(bool({'torch', 'matplotlib'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
