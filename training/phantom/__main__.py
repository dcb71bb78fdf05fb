"""`python -m training.phantom`: write a set of drawn scans or volumes."""

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from training.phantom.contact_sheet import contact_sheet
from training.phantom.dataset import write_set
from training.phantom.outliers import OUTLIER_FAMILIES, outlier
from training.phantom.sample import SHAPE
from training.phantom.volume import FRAMES

SHEET_SCANS = 64
"""Most scans on a contact sheet."""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 done, 1 the folder cannot be written, 2 wrong arguments."""
    arguments = _parser().parse_args(argv)
    shape = (arguments.size[1], arguments.size[0])
    try:
        paths = write_set(
            arguments.out,
            arguments.volumes or arguments.count,
            arguments.seed,
            shape=shape,
            frames=arguments.frames if arguments.volumes else 0,
            masks=arguments.masks,
            processes=arguments.processes,
        )
        if arguments.outliers:
            _write_outliers(arguments.out / "outliers", arguments.outliers, arguments.seed, shape)
        if arguments.contact_sheet:
            pictures = [np.asarray(Image.open(path)) for path in paths[:SHEET_SCANS]]
            Image.fromarray(contact_sheet(pictures)).save(arguments.contact_sheet)
    except OSError as error:
        print(f"cannot write: {error}", file=sys.stderr)
        return 1
    print(f"{len(paths)} scans in {arguments.out}")
    return 0


def _write_outliers(folder: Path, count: int, seed: int, shape: tuple[int, int]) -> None:
    for family in OUTLIER_FAMILIES:
        (folder / family).mkdir(parents=True, exist_ok=True)
        for k in range(count):
            Image.fromarray(outlier(seed + k, family, shape=shape)).save(folder / family / f"{family}-{seed + k}.png")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.phantom", description="Draw OCT scans of eyes that do not exist, in class folders."
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--count", type=_positive, default=100, help="scans to draw, the four classes in turn (default 100)")
    parser.add_argument("--seed", type=_natural, default=0, help="seed of the first scan; the others follow (default 0)")
    parser.add_argument(
        "--size", type=_size, default=(SHAPE[1], SHAPE[0]), metavar="WxH", help="pixels of a scan (default 512x496)"
    )
    parser.add_argument("--volumes", type=_natural, default=0, help="draw so many volumes instead of single scans")
    parser.add_argument(
        "--frames", type=_positive, default=FRAMES[0], help=f"scans of a volume, usually {FRAMES[0]} to {FRAMES[1]}"
    )
    parser.add_argument("--outliers", type=_natural, default=0, help="also draw so many out-of-range pictures of each family")
    parser.add_argument("--masks", action="store_true", help="also write the lesion masks, under OUT/masks")
    parser.add_argument(
        "--contact-sheet", type=Path, help=f"also write the first {SHEET_SCANS} scans as one picture, to this file"
    )
    parser.add_argument("--processes", type=_positive, help="processes (default: one a core)")
    return parser


def _size(text: str) -> tuple[int, int]:
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not WIDTHxHEIGHT, as in 512x496") from None
    if min(width, height) < 32:
        raise argparse.ArgumentTypeError(f"{text!r} is smaller than 32x32")
    return width, height


def _positive(text: str) -> int:
    value = _natural(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be at least 1")
    return value


def _natural(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
