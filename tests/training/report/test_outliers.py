from functools import partial

import numpy as np
import pytest
from PIL import Image

from training.errors import TrainingError
from training.phantom.near import NEAR_FAMILIES
from training.phantom.outliers import OUTLIER_FAMILIES, outlier
from training.report.outliers import (
    SEEDS,
    Stranger,
    crop,
    crops,
    outlier_table,
    pictures_in,
    read_strangers,
    scores,
    strangers,
)


def test_every_family_has_its_count_and_seeds_of_its_own():
    some = strangers(2, 1)
    counts = {family: sum(item.family == family for item in some) for family in OUTLIER_FAMILIES}
    assert counts == {family: 1 if family in NEAR_FAMILIES else 2 for family in OUTLIER_FAMILIES}
    assert sum(item.family == "portrait" for item in some) == 2
    noise = next(item for item in some if item.family == "noise")
    np.testing.assert_array_equal(noise.pixels(), outlier(SEEDS, "noise"))


def test_crops_are_parts_of_their_picture_and_large_enough_to_be_read():
    picture = (np.arange(900 * 700).reshape(900, 700) % 251).astype(np.uint8)
    parts = [crop(picture, seed) for seed in range(20)]
    assert all(min(part.shape) >= 400 for part in parts)
    assert len({part.shape for part in parts}) > 10
    np.testing.assert_array_equal(crop(picture, 3), crop(picture, 3))
    flat = crop(np.full((60, 80), 7, np.uint8), 0)
    assert set(flat.ravel().tolist()) == {7}


def test_a_folder_of_pictures_is_a_family_by_its_name(tmp_path):
    folder = tmp_path / "cats"
    folder.mkdir()
    for name in ("a.png", "b.jpg"):
        Image.fromarray(np.zeros((50, 60), np.uint8)).save(folder / name)
    (folder / "words.txt").write_text("no picture")
    found = crops("cats", pictures_in(folder), 5)
    assert [item.source for item in found] == ["a.png", "b.jpg", "a.png", "b.jpg", "a.png"]
    assert {item.family for item in strangers(1, 1, [folder])} >= {"cats"}


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="holds no picture"):
        pictures_in(tmp_path)
    with pytest.raises(TrainingError, match="holds no picture"):
        pictures_in(tmp_path / "absent")


def test_a_folder_may_not_pass_for_a_family_that_is_drawn(tmp_path):
    with pytest.raises(TrainingError, match="noise is drawn already"):
        strangers(1, 1, [tmp_path / "noise"])


@pytest.fixture(scope="module")
def known(reading_of):
    """Labelled readings around two classes' means."""
    return [("CNV", reading_of(0.1, k)) for k in range(4)] + [("DME", reading_of(0.2, k)) for k in range(4)]


def test_scores_are_those_of_the_papers(known):
    by = scores(known, temperature=2.0)
    [reading] = [item for _, item in known[:1]]
    logits = reading.logits.astype(np.float64) / 2.0
    softmax = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    assert by["max_softmax"]([reading])[0] == pytest.approx(-np.log(softmax.max()))
    assert by["energy"]([reading])[0] == pytest.approx(-2.0 * np.log(np.exp(logits).sum()))
    assert by["mahalanobis"]([reading])[0] == reading.finding.ood.score


def test_the_relative_distance_grows_away_from_the_classes_along_what_sets_them_apart(known, reading_of):
    relative = scores(known, temperature=1.0)["relative_mahalanobis"]
    near, between, far = (relative([reading_of(mean, 9)])[0] for mean in (0.2, 0.15, 0.4))
    assert near < between < far


def dim_noise(seed: int) -> np.ndarray:
    return outlier(seed, "noise", shape=(96, 128)) // 4 + 8


def test_the_table_says_by_family_what_is_answered_and_how_well_it_is_told_apart(classifier, known, reading_of):
    bright = Stranger("bright", "a", lambda: np.random.default_rng(0).integers(150, 250, (96, 128)).astype(np.uint8))
    alike = [Stranger("alike", str(k), partial(dim_noise, k)) for k in range(3)]
    found = read_strangers(classifier, [bright, *alike])
    assert [item.family for item, _ in found] == ["bright", "alike", "alike", "alike"]
    inside = [reading for _, reading in known]
    table = outlier_table(inside, np.arange(8).astype(str), found, scores(known, 1.0))
    assert set(table) == {"bright", "alike"}
    assert table["bright"]["pictures"] == table["bright"]["sources"] == 1
    assert table["bright"]["answered"]["value"] == 0.0
    assert table["bright"]["flagged"]["value"] == 1.0
    assert table["bright"]["auroc_mahalanobis"]["value"] == 1.0
    assert {"auroc_relative_mahalanobis", "auroc_max_softmax", "auroc_energy"} < set(table["alike"])
    assert table["alike"]["kind"] == "far"
