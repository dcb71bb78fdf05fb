"""The public entry: a phantom from a seed, and a pair of acquisitions of one eye."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.phantom.anatomy import Eye, sample_eye
from training.phantom.blobs import Sheet
from training.phantom.curves import Curve
from training.phantom.draw import draw
from training.phantom.extras import draw_disc, draw_membrane, draw_vitreous
from training.phantom.frame import Frame, bruch_um, fit, mark, pad, sample_frame
from training.phantom.lesions import Lesions, sample_lesions
from training.phantom.optics import acquire, compress
from training.phantom.scanner import Scanner, sample_scanner
from training.phantom.surfaces import Surfaces, cut

CLASSES = ("CNV", "DME", "DRUSEN", "NORMAL")
"""The four classes, in the order of the model's outputs."""
SHAPE = (496, 512)
"""Rows and columns of a Spectralis export."""
LESION_LEVEL = 0.5
"""Share of a pixel that must be lesion for the mask."""


@dataclass(frozen=True)
class Anatomy:
    """One eye with its disease: what two acquisitions share."""

    label: str
    eye: Eye
    lesions: Lesions
    slice_um: float
    """How far from the fovea the B-scan runs."""


@dataclass(frozen=True)
class Params:
    """Everything that a phantom was drawn from; drawing adds only speckle and noise."""

    anatomy: Anatomy
    scanner: Scanner
    frame: Frame


@dataclass(frozen=True)
class Phantom:
    """A drawn scan with the truth about it.

    `pixels` uint8 [H, W]; `lesion` bool [H, W]; `layers` name to row of the border in every column, float32 [W], px; `patient`
    tells eyes apart.
    """

    pixels: NDArray[np.uint8]
    label: str
    lesion: NDArray[np.bool_]
    layers: dict[str, NDArray[np.float32]]
    params: Params
    patient: int


def phantom(seed: int, label: str | None = None, *, shape: tuple[int, int] = SHAPE) -> Phantom:
    """Draw one scan.

    Args:
        seed: any integer at least 0; one seed is one scan, bit for bit (for the same numpy).
        label: one of CLASSES, or None to let the seed choose.
        shape: rows and columns; the field of view stays the same, so fewer pixels are coarser ones.

    Raises:
        ValueError: `label` is no class or `shape` is smaller than 32 x 32.
    """
    rng = np.random.default_rng(seed)
    anatomy = sample_anatomy(rng, _checked(rng, label))
    return scan(anatomy, rng, seed, shape=shape)


def pair(seed: int, label: str | None = None, *, shape: tuple[int, int] = SHAPE) -> tuple[Phantom, Phantom]:
    """Draw two acquisitions of one eye: other instrument, placement, speckle and, by some um, another slice. Arguments as for
    `phantom`."""
    rng = np.random.default_rng(seed)
    anatomy = sample_anatomy(rng, _checked(rng, label))
    first, second = rng.spawn(2)
    return scan(anatomy, first, seed, shape=shape), scan(anatomy, second, seed, shape=shape)


def _checked(rng: np.random.Generator, label: str | None) -> str:
    if label is None:
        return str(rng.choice(CLASSES))
    if label not in CLASSES:
        raise ValueError(f"label must be one of {', '.join(CLASSES)}, not {label!r}")
    return label


CLEAR_OF_DISC_UM = 500.0
"""Least distance of a lesion's middle from the edge of the optic disc."""


def sample_anatomy(rng: np.random.Generator, label: str) -> Anatomy:
    """Draw an eye of class `label` and where its B-scan runs."""
    slice_um = float(rng.normal(0.0, 120.0) if rng.random() < 0.72 else rng.normal(0.0, 1000.0))
    eye, lesions = sample_eye(rng), sample_lesions(rng, label)
    disc = eye.disc_x_um
    if disc is not None and any(place * np.sign(disc) > abs(disc) - CLEAR_OF_DISC_UM for place in lesions.places_um):
        eye = replace(eye, disc_x_um=None)  # nothing that makes the diagnosis lies in the nerve
    return Anatomy(label, eye, lesions, slice_um)


def sample_acquisition(anatomy: Anatomy, rng: np.random.Generator) -> Params:
    """Draw an instrument and a placement that keep the lesion in the picture."""
    scanner = sample_scanner(rng)
    frame = sample_frame(rng, scanner.width_um, scanner.depth_um)
    anchors = anatomy.lesions.places_um
    if anchors:
        anchor = anchors[int(rng.integers(len(anchors)))]
        reach = 0.36 * scanner.width_um
        frame = replace(frame, centre_um=float(np.clip(frame.centre_um, anchor - reach, anchor + reach)))
    return Params(anatomy, scanner, frame)


def scan(anatomy: Anatomy, rng: np.random.Generator, patient: int, *, shape: tuple[int, int] = SHAPE) -> Phantom:
    """Acquire one scan of an eye: sample the acquisition, then draw it."""
    return render(sample_acquisition(anatomy, rng), rng, patient, shape=shape)


def render(params: Params, rng: np.random.Generator, patient: int, *, shape: tuple[int, int] = SHAPE) -> Phantom:
    """Draw the scan that `params` describes; `rng` adds speckle and noise.

    Raises:
        ValueError: `shape` is smaller than 32 x 32.
    """
    if min(shape) < 32:
        raise ValueError(f"shape must be at least 32 x 32, not {shape}")
    sheet = _draw(params, shape)
    scanner, frame = params.scanner, params.frame
    pixels = acquire(sheet.value, scanner, sheet.axial_um, sheet.lateral_um, rng)
    lesion, layers = sheet.lesion > LESION_LEVEL, sheet.layers
    if frame.mirrored:
        pixels, lesion = np.ascontiguousarray(pixels[:, ::-1]), np.ascontiguousarray(lesion[:, ::-1])
        layers = {name: np.ascontiguousarray(row[::-1]) for name, row in layers.items()}
    mark(pixels, frame)
    if frame.padding is not None:
        above = float(layers["ilm"].min()) / shape[0]
        below = 1.0 - float(layers["bm"].max() + SPARE_UM / sheet.axial_um) / shape[0]
        pad(pixels, fit(frame.padding, above, below))
    if scanner.jpeg_quality is not None:
        pixels = compress(pixels, scanner.jpeg_quality)
    return Phantom(pixels, params.anatomy.label, lesion, layers, params, patient)


def _draw(params: Params, shape: tuple[int, int]) -> Sheet:
    scanner, frame, anatomy = params.scanner, params.frame, params.anatomy
    axial, lateral = scanner.depth_um / shape[0], scanner.width_um / shape[1]
    x = np.asarray(frame.centre_um + (np.arange(shape[1]) - (shape[1] - 1) / 2.0) * lateral, dtype=np.float64)
    surfaces = cut(anatomy.eye, anatomy.lesions, x, frame.z_um, anatomy.slice_um)
    bruch = _placed(frame, scanner, surfaces) / axial
    sheet = draw(anatomy.eye, anatomy.lesions, surfaces, bruch, shape, axial, lateral, frame.z_um)
    draw_membrane(sheet, anatomy.lesions)
    draw_vitreous(sheet, anatomy.eye)
    draw_disc(sheet, anatomy.eye)
    return sheet


SPARE_UM = 130.0
"""Room kept below Bruch's membrane: the inner choroid belongs to every useful scan."""


def _placed(frame: Frame, scanner: Scanner, surfaces: Surfaces) -> Curve:
    """Bruch's membrane in um from the top of the frame, so that the retina fits where it can."""
    course = bruch_um(frame, surfaces.x_um, scanner.width_um)
    top = float(np.percentile(course - surfaces.ilm, 3))
    bottom = float(np.percentile(course, 97)) + SPARE_UM
    room = scanner.depth_um - (bottom - top)
    return np.asarray(course - top + room * frame.place)
