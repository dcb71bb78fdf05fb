import json

import pytest

from lambda_src.model.manifest import Manifest
from training.model_card import model_card

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
