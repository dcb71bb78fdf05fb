"""Scans that were read wrongly, each with its picture. They are shown in the report, which belongs outside the repository."""

import io
from collections.abc import Mapping, Sequence

from PIL import Image

from lambda_src.finding import Finding
from lambda_src.imaging.decode import Scan
from lambda_src.imaging.overlay import overlay_png
from training.evaluate import Scored, load
from training.report.page import card

_SIDE_PX = 360
_ORDER = ("answered", "deferred", "out_of_distribution", "ungradable")
"""Of the errors: what would have reached a reader first."""


def error_cards(wrong: Sequence[Scored], notes: Mapping[str, str]) -> list[str]:
    """A card of each, HTML."""
    ordered = sorted(wrong, key=lambda item: (_ORDER.index(item.finding.outcome), item.file.label, item.file.path.name))
    return [_card(item, notes.get(item.file.sha256)) for item in ordered]


def _card(item: Scored, why: str | None) -> str:
    found, scan = item.finding, load(item.file)
    sure, missed = found.probabilities[found.top_class], found.probabilities[item.file.label]
    said = f"{found.outcome.replace('_', ' ')}; {sure:.3f} against {missed:.3f}; distance {found.ood.score:.1f}"
    lines = [said, item.file.path.name, item.file.sha256[:16]]
    pictures = [(thumbnail(scan), "the scan"), (thumbnail(scan, found), f"heat map for {found.top_class}")]
    return card(pictures, f"{item.file.label} read as {found.top_class}", lines, why)


def thumbnail(scan: Scan, finding: Finding | None = None) -> bytes:
    """A small JPEG of a scan, tinted by the finding's heat map where there is one."""
    heat = finding.heat_map if finding else None
    drawn = overlay_png(scan.pixels, heat.grid, heat.frame) if heat else overlay_png(scan.pixels, None)
    with Image.open(io.BytesIO(drawn)) as image:
        image.thumbnail((_SIDE_PX, _SIDE_PX))
        out = io.BytesIO()
        image.save(out, "JPEG", quality=80)
    return out.getvalue()
