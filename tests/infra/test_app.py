"""Properties of the whole: which stacks there are, what roles may do, what becomes of data."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.conftest import ROOT, synthesise

# Actions that AWS's service authorization reference lists without a resource type.
NO_RESOURCE = {
    "xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets",
    "logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery", "logs:ListLogDeliveries",
    "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups", "ecr:GetAuthorizationToken",
}  # fmt: skip
ALL = ["Backfill", "Batch", "Delivery", "Inference", "Model", "Observability", "Storage", "Training"]


def listed(value):
    return value if isinstance(value, list) else [value]


def test_the_stacks_of_an_environment(sandbox, production):
    assert production.stacks() == ALL
    assert sandbox.stacks() == [name for name in ALL if name != "Delivery"]


@pytest.mark.parametrize("name", ["sandbox", "production"])
def test_no_policy_has_a_star_for_an_action_nor_for_a_resource_that_could_be_named(name, request):
    for where, statement in request.getfixturevalue(name).statements():
        actions = listed(statement["Action"])
        assert not [action for action in actions if "*" in action], where
        if "*" in listed(statement["Resource"]):
            assert set(actions) <= NO_RESOURCE, where


def test_production_deletes_no_data_and_a_sandbox_leaves_none(sandbox, production):
    def kept(assembly):
        data = ("AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key")
        return {item["DeletionPolicy"] for item in assembly.template("Storage")["Resources"].values() if item["Type"] in data}

    assert kept(production) == {"Retain"}
    assert kept(sandbox) == {"Delete"}


def test_functions_read_the_model_only_after_it_was_checked(sandbox):
    manifest = json.loads((sandbox.folder / "manifest.json").read_text())["artifacts"]
    for stack in ("Inference", "Batch"):
        assert "RetinalOct-Sandbox-Model" in manifest[f"RetinalOct-Sandbox-{stack}"]["dependencies"]


def test_a_deploy_that_names_a_model_takes_no_folder_along(tmp_path: Path):
    name = f"bundles/oct-2.0.0-abc@{'f' * 64}"
    assembly = synthesise(tmp_path / "out", tmp_path, environment="sandbox", emulator="true", model=name)
    published = assembly.one("Model", "AWS::CloudFormation::CustomResource")
    assert published["Archive"] == ""
    assert published["Sha256"] == "f" * 64
    variables = assembly.one("Inference", "AWS::Lambda::Function")["Environment"]["Variables"]
    assert variables["OCT_MODEL_SHA256"] == "f" * 64
    assert "Delivery" not in assembly.stacks()
    assert "Training" not in assembly.stacks()


def test_the_templates_pass_cfn_lint(production):
    templates = sorted(str(path) for path in production.folder.glob("*.template.json"))
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--ignore-checks", "W3005", "--", *templates]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=os.environ)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["lambda_src/Dockerfile", "training/Dockerfile"])
def test_the_dockerfiles_pass_hadolint(name):
    command = [str(Path(sys.executable).with_name("hadolint")), name]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout
