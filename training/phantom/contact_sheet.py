"""Many scans on one picture, to look at."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CELL_PX = 220
"""Width of one scan on the sheet."""
GAP_PX = 3


def contact_sheet(pictures: Sequence[NDArray[np.uint8]], columns: int = 8) -> NDArray[np.uint8]:
    """Pictures of any size in rows of `columns`; uint8 [H, W].

    Raises:
        ValueError: no picture, or `columns` below 1.
    """
    if not pictures or columns < 1:
        raise ValueError(f"a contact sheet needs at least one picture and one column, not {len(pictures)} and {columns}")
    columns = min(columns, len(pictures))
    height = round(CELL_PX * pictures[0].shape[0] / pictures[0].shape[1])
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * (height + GAP_PX), columns * (CELL_PX + GAP_PX)), 128, np.uint8)
    for k, picture in enumerate(pictures):
        top, left = (k // columns) * (height + GAP_PX), (k % columns) * (CELL_PX + GAP_PX)
        small = Image.fromarray(picture).resize((CELL_PX, height), Image.Resampling.BILINEAR)
        sheet[top : top + height, left : left + CELL_PX] = np.asarray(small)
    return sheet
