import json
import shutil
from pathlib import Path

import pytest

from lambda_src.classifier import load_classifier
from lambda_src.model.manifest import Manifest
from training.model_card import CARD_FILE, main, model_card

EVALUATION = {"looked_at": True, "confusion": [[90, 1, 9, 0], [0, 99, 1, 0], [2, 0, 98, 0], [0, 0, 0, 100]]}


@pytest.fixture
def manifest(real_bundle) -> Manifest:
    return Manifest.model_validate(json.loads((real_bundle / "manifest.json").read_text()))


def with_metrics(manifest: Manifest, metrics: dict[str, object]) -> str:
    return model_card(manifest.model_copy(update={"metrics": metrics}))


def test_the_card_of_the_bundle_in_use_is_what_its_manifest_gives(manifest, real_bundle):
    assert (real_bundle / "MODEL_CARD.md").read_text() == model_card(manifest)


def test_the_commonest_error_and_what_was_looked_at_are_weak_spots(manifest):
    card = with_metrics(manifest, {"evaluation": EVALUATION})
    assert "CNV called DRUSEN: 9 of 100, the commonest error" in card
    assert "were looked at" in card
    assert "were looked at" not in with_metrics(manifest, {"evaluation": EVALUATION | {"looked_at": False}})


def test_figures_out_of_fold_say_that_nothing_is_left_to_score(manifest):
    card = with_metrics(manifest, {"out_of_fold": EVALUATION})
    assert "CNV called DRUSEN: 9 of 100, the commonest error" in card
    assert "nothing is left to score them on" in card


def test_a_model_that_was_never_measured_says_so(manifest):
    assert "Never measured on real scans" in with_metrics(manifest, {})


def test_alike_rows_become_a_table_of_their_own(manifest):
    share, number = {"value": 0.01, "low": 0.0, "high": 0.03}, {"value": 0.996, "low": 0.99, "high": 1.0, "share": False}
    families = {name: {"pictures": 300, "answered": share, "auroc": number} for name in ("text_page", "noise")}
    card = with_metrics(manifest, {"outliers": families, "reliability": {"after": {"nll": number}}})
    assert "| outliers | pictures | answered | auroc |" in card
    assert "| text page | 300 | 1.0 % [0.0, 3.0] | 0.996 [0.99, 1] |" in card
    assert "| reliability: after: nll | 0.996 [0.99, 1] |" in card


def test_rows_that_differ_stay_single_figures(manifest):
    card = with_metrics(manifest, {"by_width": {"512": {"scans": 4}, "768": {"scans": 3, "recall": 0.5}}})
    assert "| by width: 512: scans | 4 |" in card
    assert "| by width: 768: recall | 0.5 |" in card


def test_a_bundle_recalibrated_for_a_site_says_so(manifest):
    site = {"from_version": "1.0.0", "labelled": 400, "unlabelled": 7, "patients": 90, "made_anew": "sets, reference"}
    card = with_metrics(manifest, {"site": site})
    assert "Recalibrated for one site on 400 labelled and 7 unlabelled scans of 90 patients." in card
    assert "Made anew: sets, reference. The weights are those of version 1.0.0." in card
    assert "Recalibrated" not in with_metrics(manifest, {})


SHARE = {"value": 0.93, "low": 0.9, "high": 0.95}
REPORT = {
    "scored_on": "scans",
    "outliers": {
        "text": {"pictures": 300, "sources": 300, "answered": {"value": 0.0, "low": 0.0, "high": 0.01}},
        "macular_hole": {"pictures": 200, "sources": 200, "answered": {"value": 0.09, "low": 0.05, "high": 0.13}},
    },
    "pointing": {
        "DRUSEN": {"phantoms": 200, "peak": SHARE},
        "all": {"phantoms": 400, "peak": {**SHARE, "value": 0.95}, "centre": SHARE},
    },
    "coverage_by_class": {"CNV": {"value": 0.8, "low": 0.7, "high": 0.85}, "DME": {"value": 0.99, "low": 0.95, "high": 1.0}},
    "by_width": {},
    "deferred": SHARE,
    "flagged": SHARE,
    "mean_set_size": 1.1,
    "weighted_error": SHARE,
    "reliability": {"bins": {"0.93 to 1.00": {"scans": 9, "confidence": 0.97, "right": 1.0}}},
}


def report_of(folder: Path, bundle: Path, **changes: object) -> Path:
    folder.mkdir()
    sha256 = load_classifier(bundle).manifest.model.sha256
    (folder / "report.json").write_text(json.dumps({"model": {"sha256": sha256}, **REPORT, **changes}))
    return folder


def test_a_report_s_weak_spots_and_plots_come_into_the_card_and_the_bundle_still_loads(tiny_bundle, tmp_path, capsys):
    bundle = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, bundle)
    assert main(["--bundle", str(bundle), "--report", str(report_of(tmp_path / "report", bundle))]) == 0
    manifest, card = load_classifier(bundle).manifest, (bundle / CARD_FILE).read_text()
    assert manifest.metrics["report"]["outliers"] == REPORT["outliers"]
    assert "- 9.0% of 200 pictures of the family macular hole are answered." in card
    assert "family text" not in card
    assert "- The heat map peaks in the lesion in 93.0% of drawn DRUSEN." in card
    assert "- Sets hold CNV in 80.0% of its scans; 95.0% are stated." in card
    assert "Sets hold DME" not in card
    for name in ("calibration", "coverage", "answered", "pointing"):
        assert f"](plots/{name}.svg)" in card
        assert (bundle / "plots" / f"{name}.svg").read_text().startswith("<?xml")


def test_of_a_report_on_phantoms_only_what_is_drawn_is_kept(tiny_bundle, tmp_path, capsys):
    bundle = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, bundle)
    assert main(["--bundle", str(bundle), "--report", str(report_of(tmp_path / "report", bundle, scored_on="phantoms"))]) == 0
    assert set(load_classifier(bundle).manifest.metrics["report"]) == {"scored_on", "outliers", "pointing"}
    assert not (bundle / "plots" / "calibration.svg").exists()


def test_a_report_of_another_graph_is_refused(tiny_bundle, tmp_path, capsys):
    folder = report_of(tmp_path / "report", tiny_bundle, model={"sha256": "0" * 64})
    assert main(["--bundle", str(tiny_bundle), "--report", str(folder)]) == 1
    assert "not of this bundle" in capsys.readouterr().err
