"""A volume is one eye cut many times: the lesion spans several scans and ends."""

import numpy as np
import pytest

from training.phantom.volume import volume

SHAPE = (96, 96)


def test_a_volume_is_one_eye_and_one_seed():
    scans = volume(4, "CNV", frames=7, shape=SHAPE)
    again = volume(4, "CNV", frames=7, shape=SHAPE)
    assert len(scans) == 7
    assert {scan.patient for scan in scans} == {4}
    assert len({scan.params.anatomy.eye for scan in scans}) == 1
    assert len({scan.params.scanner for scan in scans}) == 1
    for one, other in zip(scans, again, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)


@pytest.mark.parametrize("label", ["CNV", "DME", "DRUSEN"])
def test_the_lesion_spans_neighbours_and_ends(label):
    with_lesion = [[scan.lesion.any() for scan in volume(seed, label, frames=13, shape=SHAPE)] for seed in range(6)]
    counts = [sum(eye) for eye in with_lesion]
    assert max(counts) >= 3
    assert any(not all(eye) for eye in with_lesion)
    assert all(eye[5] or eye[6] or eye[7] for eye in with_lesion)


def test_the_pit_is_in_the_middle():
    scans = volume(1, "NORMAL", frames=9, shape=SHAPE)
    thinnest = [float((scan.layers["bm"] - scan.layers["ilm"]).min()) for scan in scans]
    assert np.argmin(thinnest) in (3, 4, 5)


def test_refuses_wrong_arguments():
    with pytest.raises(ValueError, match="frames"):
        volume(0, "CNV", frames=0)
    with pytest.raises(ValueError, match="NORMAL"):
        volume(0, "AMD")
