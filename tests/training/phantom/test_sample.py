"""A phantom is fixed by its seed, carries its truth, and a pair shares an eye but not an exposure."""

import itertools

import numpy as np
import pytest

from training.phantom import CLASSES, pair, phantom

SMALL = (124, 128)


@pytest.mark.parametrize("label", CLASSES)
def test_one_seed_is_one_scan(label):
    first, again = phantom(11, label, shape=SMALL), phantom(11, label, shape=SMALL)
    np.testing.assert_array_equal(first.pixels, again.pixels)
    np.testing.assert_array_equal(first.lesion, again.lesion)
    assert first.params == again.params
    assert not np.array_equal(first.pixels, phantom(12, label, shape=SMALL).pixels)


def test_shapes_and_types():
    scan = phantom(3, shape=(100, 160))
    assert scan.pixels.shape == scan.lesion.shape == (100, 160)
    assert scan.pixels.dtype == np.uint8
    assert scan.lesion.dtype == np.bool_
    assert scan.label in CLASSES
    assert {row.shape for row in scan.layers.values()} == {(160,)}
    assert {row.dtype for row in scan.layers.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("seed", range(12))
def test_layers_lie_in_order(seed):
    layers = phantom(seed, shape=SMALL).layers
    order = ["ilm", "rnfl_gcl", "ipl_inl", "inl_opl", "opl_onl", "elm", "ez", "rpe", "bm"]
    assert list(layers) == order
    for upper, lower in itertools.pairwise(order):
        assert (layers[lower] - layers[upper]).min() > -1e-3, (upper, lower)


def test_normal_has_no_lesion_and_disease_has_one():
    shares = {label: np.mean([phantom(seed, label, shape=SMALL).lesion.any() for seed in range(40)]) for label in CLASSES}
    assert shares["NORMAL"] == 0.0
    assert min(shares[label] for label in ("CNV", "DME", "DRUSEN")) > 0.85


def test_retina_is_brighter_than_vitreous():
    brighter = 0
    for seed in range(20):
        scan = phantom(seed, "NORMAL", shape=SMALL)
        rows = np.arange(SMALL[0])[:, None]
        frame = scan.params.frame
        clear = scan.pixels < 250
        retina = scan.pixels[(rows > scan.layers["ilm"]) & (rows < scan.layers["bm"]) & clear]
        vitreous = scan.pixels[(rows < scan.layers["ilm"] - 3) & clear]
        brighter += bool(retina.size and vitreous.size and retina.mean() > vitreous.mean() and frame is not None)
    assert brighter >= 19


def test_a_pair_shares_the_eye_and_nothing_of_the_exposure():
    first, second = pair(5, "CNV", shape=SMALL)
    assert first.params.anatomy == second.params.anatomy
    assert first.patient == second.patient == 5
    assert first.params.scanner != second.params.scanner
    assert not np.array_equal(first.pixels, second.pixels)
    np.testing.assert_array_equal(first.pixels, pair(5, "CNV", shape=SMALL)[0].pixels)


def test_label_drawn_by_the_seed_covers_all_classes():
    assert {phantom(seed, shape=(32, 32)).label for seed in range(40)} == set(CLASSES)


def test_refuses_what_it_cannot_draw():
    with pytest.raises(ValueError, match="CNV, DME, DRUSEN, NORMAL"):
        phantom(0, "AMD")
    with pytest.raises(ValueError, match="32 x 32"):
        phantom(0, "CNV", shape=(16, 200))


def test_padding_is_white_and_reaches_the_border():
    padded = [scan for scan in (phantom(seed, shape=SMALL) for seed in range(60)) if scan.params.frame.padding is not None]
    assert 10 < len(padded) < 50
    assert any((scan.pixels[0] == 255).all() or (scan.pixels[-1] == 255).all() for scan in padded)
