"""What CI runs is pinned, may do no more than it must, and goes back by what passed."""

import re

import pytest
import yaml  # type: ignore[import-untyped]

from infra.components.ci_role import DIFF
from tests.infra.conftest import ROOT

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yaml"))


def steps(name):
    return [step for job in yaml.safe_load((FOLDER / name).read_text())["jobs"].values() for step in job.get("steps", [])]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_actions_and_images_are_pinned_by_digest(path):
    text = path.read_text()
    for used in re.findall(r"uses: (\S+)", text):
        assert used.startswith("./") or re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", used), used
    for image in re.findall(r"image: (\S+)", text):
        assert re.fullmatch(r"[\w./:-]+@sha256:[0-9a-f]{64}", image), image


@pytest.mark.parametrize("name", ["lambda_src/Dockerfile", "training/Dockerfile"])
def test_base_images_are_pinned_by_one_digest(name):
    bases = re.findall(r"^ARG BASE=(\S+)", (ROOT / name).read_text(), re.MULTILINE)
    assert bases == re.findall(r"^ARG BASE=(\S+)", (ROOT / "lambda_src/Dockerfile").read_text(), re.MULTILINE)
    assert re.fullmatch(r"docker\.io/library/python:3\.11-slim-bookworm@sha256:[0-9a-f]{64}", bases[0])
    assert set(re.findall(r"^FROM (\S+)", (ROOT / name).read_text(), re.MULTILINE)) == {"${BASE}"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_workflow_s_own_permissions_are_named(path):
    assert "permissions" in yaml.safe_load(path.read_text())


def test_a_pull_request_takes_on_the_role_that_only_looks():
    (diff,) = (step for step in steps("check.yaml") if "role-to-assume" in step.get("with", {}))
    assert diff["with"]["role-to-assume"] == "${{ vars.SANDBOX_DIFF_ROLE }}"
    assert DIFF == ("lookup",)


def test_a_failed_deploy_or_smoke_test_goes_back_to_code_and_model_that_passed():
    named = {step["name"]: step for step in steps("deploy-environment.yaml") if "name" in step}
    order = ["Deploy", "Smoke test", "Remember what passed", "Back to what passed last"]
    assert [name for name in named if name in order] == order
    back = named["Back to what passed last"]
    assert back["if"] == "failure() && steps.deploy.outcome != 'skipped'"
    assert 'git checkout --quiet "$PASSED"' in back["run"]
    assert '-c model="$MODEL"' in back["run"]
    assert '"model:$MODEL" "$PASSED"' in named["Remember what passed"]["run"]
