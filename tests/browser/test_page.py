import json
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from lambda_src.app.services import Limits
from lambda_src.finding import NOTICE
from tests.support.chromium import open_page
from tests.support.live import live_server
from tests.support.pictures import band, encoded

HEADLINE = "#result .headline"


def _choose(page: Page, data: bytes, name: str = "scan.png") -> None:
    page.set_input_files("#file", FilePayload(name=name, mimeType="application/octet-stream", buffer=data))
    expect(page.locator("#result article")).to_be_visible()


def test_a_sample_is_shown_with_all_that_its_finding_says(page: Page, root: Path) -> None:
    page.get_by_role("button", name="CNV").click()
    expect(page.locator(HEADLINE)).to_have_text("CNV")
    expect(page.locator(".chip")).to_have_text("Urgent referral")
    expect(page.locator(".bars li")).to_have_count(4)
    assert page.locator(".bars .name").all_text_contents() == ["CNV", "DME", "DRUSEN", "NORMAL"]
    fill = page.locator(".bars li[data-class=CNV] .fill").bounding_box()
    track = page.locator(".bars li[data-class=CNV] .track").bounding_box()
    assert fill is not None
    assert track is not None
    assert fill["width"] > 0.95 * track["width"]
    expect(page.locator("#result")).to_contain_text("oct-tiny 0.0.1")
    expect(page.locator("#result")).to_contain_text(NOTICE)
    expect(page.locator("#caption")).to_contain_text("not a patient")
    expect(page.locator("#overlay")).to_be_visible()
    expect(page.get_by_role("button", name="CNV")).to_have_attribute("aria-pressed", "true")
    artefacts = root / "tests" / "artefacts"
    artefacts.mkdir(exist_ok=True)
    page.screenshot(path=artefacts / "page.png", full_page=True)


def test_the_heat_map_can_be_faded_and_switched_off(page: Page) -> None:
    page.get_by_role("button", name="DME").click()
    overlay = page.locator("#overlay")
    expect(overlay).to_have_css("opacity", "0.85")
    page.locator("#heat-strength").fill("30")
    expect(overlay).to_have_css("opacity", "0.3")
    page.get_by_role("switch", name="Heat map").uncheck()
    expect(overlay).to_have_css("opacity", "0")


def test_a_chosen_file_is_answered(page: Page) -> None:
    _choose(page, encoded(band(0.3), "JPEG", quality=95))
    expect(page.locator(HEADLINE)).to_have_text("DRUSEN")
    expect(page.locator(".chip")).to_have_text("Routine referral")


def test_a_dropped_file_is_answered(page: Page) -> None:
    page.evaluate(
        """(bytes) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([new Uint8Array(bytes)], "scan.png"));
            document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
        }""",
        list(encoded(band(0.4))),
    )
    expect(page.locator(HEADLINE)).to_have_text("NORMAL")


def test_a_format_that_the_browser_cannot_draw_is_shown_by_its_overlay(page: Page) -> None:
    _choose(page, encoded(band(0.2), "TIFF"), "scan.tif")
    expect(page.locator(HEADLINE)).to_have_text("DME")
    expect(page.locator("#scan")).to_be_hidden()
    expect(page.locator("#overlay")).to_be_visible()
    expect(page.locator("#overlay")).to_have_css("opacity", "1")
    expect(page.locator("#heat-on")).to_be_disabled()
    expect(page.locator("#caption")).to_contain_text("only with its map")


@pytest.mark.parametrize(
    ("pixels", "outcome", "headline", "chip"),
    [
        (band(0.15), "deferred", "No single answer", "Urgent referral"),
        (255 - band(0.1), "out_of_distribution", "Not a scan this model knows", "Needs review by a person"),
        (band(0.2)[:8], "ungradable", "Not gradable", "Needs review by a person"),
    ],
)
def test_without_a_label_no_class_is_shown_as_the_result(
    page: Page, pixels: object, outcome: str, headline: str, chip: str
) -> None:
    _choose(page, encoded(pixels))  # type: ignore[arg-type]
    expect(page.locator(f"#result article[data-outcome={outcome}]")).to_be_visible()
    expect(page.locator(HEADLINE)).to_have_text(headline)
    expect(page.locator(".chip")).to_have_text(chip)
    expect(page.locator("#caption")).not_to_contain_text("signs of")
    expect(page.locator(".reason")).not_to_be_empty()
    deferred = outcome == "deferred"
    expect(page.locator(".bars")).to_be_visible(visible=deferred)
    if deferred:
        expect(page.locator(".subline")).to_contain_text("CNV or DME")
        expect(page.locator(".bars li.member")).to_have_count(2)


def test_an_error_is_told_in_words(page: Page) -> None:
    _choose(page, b"Dear colleague, this is a letter.", "letter.png")
    expect(page.locator(HEADLINE)).to_have_text("Not an image")
    expect(page.locator("#result .reason")).to_contain_text("Send a JPEG, PNG, TIFF, BMP or WebP image.")
    expect(page.locator("#status")).to_contain_text("Not an image")
    expect(page.locator(".bars")).to_have_count(0)


def test_a_dead_server_is_told_in_words(page: Page) -> None:
    page.route("**/v1/findings*", lambda route: route.abort())
    _choose(page, encoded(band(0.2)))
    expect(page.locator(HEADLINE)).to_have_text("The service can't be reached")


def test_a_scan_over_the_limit_is_told_with_the_limit(browser: Browser, tiny_bundle: Path) -> None:
    with live_server(tiny_bundle, Limits(max_bytes=1_000_000)) as address:
        page = open_page(browser, address)
        _choose(page, b"\0" * 4_000_000)
        expect(page.locator(HEADLINE)).to_have_text("Too many bytes")
        expect(page.locator("#result .reason")).to_contain_text("1,000,000 bytes")
        page.close()


def test_a_refused_bundle_is_told_when_the_page_opens(browser: Browser, tiny_bundle: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(tiny_bundle, tmp_path / "broken")
    (broken / "model.onnx").write_bytes(b"changed")
    with live_server(broken) as address:
        page = open_page(browser, address)
        expect(page.get_by_role("alert")).to_contain_text("The model bundle was refused")
        expect(page.locator("#samples")).to_be_hidden()
        page.close()


def test_everything_can_be_done_from_the_keyboard(page: Page) -> None:
    seen = []
    for _ in range(8):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate("document.activeElement.id || document.activeElement.dataset.sample || document.activeElement.href")
        )
    assert seen[:5] == ["file", "cnv", "dme", "drusen", "normal"]
    page.locator("[data-sample=normal]").focus()
    page.keyboard.press("Enter")
    expect(page.locator(HEADLINE)).to_have_text("NORMAL")
    page.locator("#heat-on").focus()
    page.keyboard.press("Space")
    expect(page.locator("#heat-on")).not_to_be_checked()
    page.get_by_role("button", name="Choose another scan").press("Enter")
    expect(page.locator("#file")).to_be_focused()


def test_the_finding_can_be_saved_without_its_picture(page: Page) -> None:
    page.get_by_role("button", name="CNV").click()
    page.get_by_text("Details", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Save the finding").click()
    finding = json.loads(Path(download.value.path()).read_bytes())
    assert finding["label"] == "CNV"
    assert "overlay" not in finding["heat_map"]


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_sticks_out_at_any_width(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.get_by_role("button", name="CNV").click()
    expect(page.locator(HEADLINE)).to_be_visible()
    page.get_by_text("Details", exact=True).click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_documentation_is_written_from_the_api_itself(page: Page, address: str) -> None:
    page.goto(f"{address}/docs")
    expect(page.locator("#routes section").first).to_be_visible()
    told = page.locator("#routes h3 code").all_text_contents()
    assert told == list(page.request.get(f"{address}/openapi.json").json()["paths"])
    expect(page.locator("#curl")).to_have_text(f"curl -F file=@scan.png {address}/v1/findings")
