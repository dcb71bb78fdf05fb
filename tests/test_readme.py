"""What the README says of the code and the model is so."""

import re
from pathlib import Path

import pytest

from lambda_src.app.factory import create_app
from lambda_src.errors import PROBLEMS, ModelNotReady
from lambda_src.settings import Settings
from tests.support.readme import with_figures


@pytest.fixture(scope="module")
def readme(root: Path) -> str:
    return (root / "README.md").read_text()


@pytest.mark.parametrize("bundle", ["model_artifacts", "model_artifacts/phantom_only"])
def test_the_figures_of_each_bundle_are_those_of_its_manifest(readme: str, bundle: str) -> None:
    assert f"<!-- figures of {bundle}: begin -->" in readme
    assert readme == with_figures(readme), "write them anew: python -m tests.support.readme"


def test_every_problem_is_listed_with_its_status(readme: str) -> None:
    rows = [line for line in readme.splitlines() if line.startswith("| `") and re.search(r"\| \d{3}\b", line)]
    listed = {
        slug: status
        for row in rows
        for slug, status in _paired(re.findall(r"`([a-z-]+)`", row.split("|")[1]), re.findall(r"\d{3}", row.split("|")[2]))
    }
    assert listed == {slug: str(kind.status) for slug, kind in PROBLEMS.items()}


def _paired(slugs: list[str], statuses: list[str]) -> list[tuple[str, str]]:
    return list(zip(slugs, statuses if len(statuses) > 1 else statuses * len(slugs), strict=True))


def test_every_setting_is_listed(readme: str) -> None:
    assert {f"OCT_{name.upper()}" for name in Settings.model_fields} <= set(re.findall(r"`(OCT_[A-Z0-9_]+)`", readme))


def test_every_route_is_listed(readme: str) -> None:
    def no_model() -> None:
        raise ModelNotReady("not loaded")

    paths = create_app(no_model).openapi()["paths"]  # type: ignore[arg-type]
    routes = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods if method != "head"}
    listed = set(re.findall(r"`((?:GET|POST) [^`]+)`", readme))
    assert {re.sub(r"\{\w+\}", "{id}", route) for route in routes} <= listed


def test_files_that_are_named_are_there(root: Path, readme: str) -> None:
    named = re.findall(r"\]\((\.github/[^)]+)\)", readme)
    named += re.findall(r"`((?:model_artifacts|lambda_src|\.github|\.ci)/[\w./-]+)`", readme)
    assert named
    assert [name for name in named if not (root / name).exists()] == []
