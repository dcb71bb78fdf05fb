"""Pieces of a report as HTML: one file with its style and its pictures inside, and nothing to load."""

import base64
import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

_STYLE = """
:root { --ink: #1b2733; --soft: #5b6875; --line: #e3e8ed; --ground: #f5f7f9; --accent: #1f6f8b; --warn: #a3341f; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 26px; margin: 0 0 4px; }
h2 { font-size: 18px; margin: 0 0 12px; }
p { margin: 6px 0 12px; max-width: 75ch; }
.sub, figcaption { color: var(--soft); font-size: 13px; }
section { background: #fff; border: 1px solid var(--line); border-radius: 8px; padding: 20px 24px; margin-top: 20px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin-top: 20px; }
.tile { background: #fff; border: 1px solid var(--line); border-radius: 8px; padding: 12px 16px; }
.tile b { display: block; font-size: 22px; font-variant-numeric: tabular-nums; }
.tile span { display: block; color: var(--soft); font-size: 13px; }
.side { display: flex; flex-wrap: wrap; gap: 8px 28px; align-items: flex-start; }
.side > * { flex: 0 1 auto; max-width: 100%; }
.side p { max-width: 48ch; }
.scroll { overflow-x: auto; margin-top: 12px; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; white-space: normal; line-height: 1.25; }
th:first-child, td:first-child { text-align: left; }
td small { color: var(--soft); display: block; font-size: 12px; line-height: 1.2; }
figure { margin: 0; }
figure img { display: block; max-width: 100%; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(420px, 1fr)); gap: 16px; }
.card { border: 1px solid var(--line); border-radius: 8px; overflow: hidden; font-size: 13px; background: #fff; }
.card .pair { display: grid; grid-template-columns: 1fr 1fr; gap: 2px; align-items: center; background: #000; }
.card .pair img { width: 100%; display: block; }
.card div.words { padding: 8px 12px 10px; }
.card .file { color: var(--soft); overflow-wrap: anywhere; }
.card .why { margin-top: 4px; }
.tag { color: var(--warn); font-weight: 600; }
@media print { body { background: #fff; } section, .card { break-inside: avoid; } }
"""


def text(words: object) -> str:
    """Words as HTML shows them."""
    return html.escape(str(words))


def data_uri(data: bytes, kind: str) -> str:
    """Bytes of a media type, as an address that holds them."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def cell(value: Any) -> str:
    """A figure: an interval as its value over its bounds, a share in per cent."""
    if isinstance(value, Mapping):
        if math.isnan(value["value"]):
            return "none counts"
        scale, unit, digits = (100, " %", 1) if value.get("share", True) else (1, "", 3)
        shown = {name: f"{scale * value[name]:.{digits}f}" for name in ("value", "low", "high")}
        return f"{shown['value']}{unit}<small>{shown['low']} to {shown['high']}</small>"
    return text(f"{value:.4g}" if isinstance(value, float) else value)


def table(first: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Rows by name, a column for each of their figures."""
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    head = "".join(f"<th>{text(name.replace('_', ' '))}</th>" for name in [first, *columns])
    body = "".join(
        f"<tr><td>{text(name.replace('_', ' '))}</td>"
        + "".join(f"<td>{cell(row[column]) if column in row else ''}</td>" for column in columns)
        + "</tr>"
        for name, row in rows.items()
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def plot(svg: str, words: str) -> str:
    """A plot with what it shows, in words."""
    source = data_uri(svg.encode(), "image/svg+xml")
    return f'<figure><img alt="{text(words)}" src="{source}"><figcaption>{text(words)}</figcaption></figure>'


def side(*parts: str) -> str:
    """Parts beside each other where there is room."""
    return f'<div class="side">{"".join(parts)}</div>'


def column(*parts: str) -> str:
    """Parts below each other, as one part of a row."""
    return f"<div>{''.join(parts)}</div>"


def paragraph(words: str) -> str:
    """A sentence or two."""
    return f"<p>{text(words)}</p>"


def section(title: str, *parts: str) -> str:
    """A section with its title."""
    return f"<section><h2>{text(title)}</h2>{''.join(parts)}</section>"


def tiles(figures: Mapping[str, Any]) -> str:
    """The chief figures, large."""

    def tile(name: str, value: Any) -> str:
        number, _, bounds = cell(value).partition("<small>")
        under = f"<span>{bounds.removesuffix('</small>')}</span>" if bounds else ""
        return f'<div class="tile"><span>{text(name)}</span><b>{number}</b>{under}</div>'

    return f'<div class="tiles">{"".join(tile(name, value) for name, value in figures.items())}</div>'


def card(pictures: Sequence[tuple[bytes, str]], title: str, lines: Sequence[str], why: str | None) -> str:
    """JPEG pictures beside each other, each with its words, and what is to be said of them."""
    shown = "".join(f'<img alt="{text(words)}" src="{data_uri(data, "image/jpeg")}">' for data, words in pictures)
    said = "".join(f'<div class="file">{text(line)}</div>' for line in lines)
    reason = f'<div class="why">{text(why)}</div>' if why else ""
    below = f'<div class="tag">{text(title)}</div>{said}{reason}'
    return f'<div class="card"><div class="pair">{shown}</div><div class="words">{below}</div></div>'


def cards(some: Sequence[str]) -> str:
    """Cards in rows."""
    return f'<div class="cards">{"".join(some)}</div>'


def document(title: str, below: str, *parts: str) -> str:
    """The whole page."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{text(title)}</title><style>{_STYLE}</style></head>"
        f'<body><main><h1>{text(title)}</h1><div class="sub">{text(below)}</div>{"".join(parts)}</main></body></html>\n'
    )
