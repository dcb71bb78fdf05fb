import base64
import re

from training.report.page import card, cards, cell, document, paragraph, plot, section, side, table, tiles

SHARE = {"value": 0.953, "low": 0.931, "high": 0.973}


def test_cells_tell_shares_from_numbers():
    assert cell(SHARE) == "95.3 %<small>93.1 to 97.3</small>"
    assert cell({**SHARE, "share": False}) == "0.953<small>0.931 to 0.973</small>"
    assert cell(0.12345678) == "0.1235"
    assert cell(300) == "300"
    assert cell(dict.fromkeys(("value", "low", "high"), float("nan"))) == "none counts"


def test_words_are_escaped_everywhere():
    bad = "<script>&"
    made = [table(bad, {bad: {bad: bad}}), paragraph(bad), plot("<svg/>", bad), card([(b"x", bad)], bad, [bad], bad)]
    whole = document(bad, bad, section(bad, *made), tiles({bad: bad}))
    assert "<script>" not in whole
    assert whole.count("&lt;script&gt;&amp;") >= 12


def test_a_table_leaves_a_cell_empty_where_a_row_lacks_the_figure():
    made = table("width", {"512": {"scans": 1, "share": SHARE}, "768": {"scans": 2}})
    assert made.count("<tr>") == 3
    assert "<td>2</td><td></td>" in made


def test_the_page_loads_nothing():
    made = document("t", "b", side(plot("<svg/>", "p")), cards([card([(b"jpeg", "a scan")], "t", [], None)]))
    assert all(address.startswith("data:") for address in re.findall(r'(?:src|href)="([^"]+)"', made))
    assert base64.b64encode(b"jpeg").decode() in made
    assert "why" not in made.partition("</style>")[2]


def test_tiles_show_the_figure_and_its_bounds():
    made = tiles({"accuracy": SHARE, "mean set size": 1.05})
    assert "<b>95.3 %</b><span>93.1 to 97.3</span>" in made
    assert "<b>1.05</b>" in made
