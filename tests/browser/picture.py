"""`python -m tests.browser.picture`: the README's picture of the page, on the bundle in use and one of its drawn samples."""

import argparse
from pathlib import Path

from tests.support.chromium import chromium, open_page
from tests.support.live import live_server

ROOT = Path(__file__).parents[2]
TARGET = ROOT / ".github" / "pictures" / "page.png"
VIEW = {"width": 1280, "height": 800}


def take(bundle: Path, sample: str, target: Path) -> None:
    """Write the page's picture with the finding of a sample."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with live_server(bundle) as address, chromium() as browser:
        page = open_page(browser, address, viewport=VIEW)
        page.locator(f"[data-sample={sample}]").click()
        page.locator("#result .headline").wait_for()
        page.wait_for_load_state("networkidle")
        page.mouse.move(0, 0)
        page.screenshot(path=target, full_page=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=ROOT / "model_artifacts")
    parser.add_argument("--sample", default="cnv")
    parser.add_argument("--out", type=Path, default=TARGET)
    options = parser.parse_args()
    take(options.bundle, options.sample, options.out)
    print(f"Wrote {options.out}")


if __name__ == "__main__":
    main()
