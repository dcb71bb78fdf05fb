import re

import pytest

from lambda_src.aws.metrics import JUDGED
from tests.infra.conftest import ROOT


@pytest.mark.parametrize("stack", ["Inference", "Batch"])
def test_an_alias_shifts_by_canary_and_alarms_roll_it_back(production, stack):
    group = production.one(stack, "AWS::CodeDeploy::DeploymentGroup")
    assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent15Minutes"
    assert set(group["AutoRollbackConfiguration"]["Events"]) == {
        "DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_REQUEST", "DEPLOYMENT_STOP_ON_ALARM",
    }  # fmt: skip
    names = {alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Alarms"]}
    assert names == set(production.of_type(stack, "AWS::CloudWatch::Alarm"))
    assert len(names) == 4


@pytest.mark.parametrize("stack", ["Inference", "Batch"])
def test_the_alias_is_what_a_deploy_updates_by_codedeploy(production, stack):
    (alias,) = (item for item in production.template(stack)["Resources"].values() if item["Type"] == "AWS::Lambda::Alias")
    assert "CodeDeployLambdaAliasUpdate" in alias["UpdatePolicy"]


def test_every_alarm_tells_somebody_and_names_its_runbook(production):
    alarms = [item for stack in production.stacks() for item in production.of_type(stack, "AWS::CloudWatch::Alarm").values()]
    assert len(alarms) == 13
    runbook = (ROOT / "README.md").read_text().partition("### Runbook")[2]
    for alarm in alarms:
        assert len(alarm["AlarmActions"]) == 1
        (name,) = re.findall(r"Runbook: README, '(\w+)'", alarm["AlarmDescription"])
        assert f"**{name}**" in runbook


def test_rates_are_taken_from_the_applications_own_metrics(production):
    alarms = production.of_type("Batch", "AWS::CloudWatch::Alarm")
    (deferrals,) = (item for name, item in alarms.items() if "Deferrals" in name)
    metrics = [item["MetricStat"]["Metric"] for item in deferrals["Metrics"] if "MetricStat" in item]
    assert {metric["MetricName"] for metric in metrics} == {"Deferred", "Scans"}
    assert {metric["Namespace"] for metric in metrics} == {"RetinalOCT"}


def test_rates_are_those_of_the_version_that_the_deploy_brings(production):
    (version,) = production.of_type("Batch", "AWS::Lambda::Version")
    for starts in ("HealthDeferrals", "HealthOutOfDistribution"):
        made = production.one("Batch", "AWS::CloudWatch::Alarm", starts)
        for metric in (item["MetricStat"]["Metric"] for item in made["Metrics"] if "MetricStat" in item):
            dimensions = {item["Name"]: item["Value"] for item in metric["Dimensions"]}
            assert dimensions == {"service": "oct-batch", "version": {"Fn::GetAtt": [version, "Version"]}}


def test_rates_read_what_the_application_tells_of_each_version():
    assert {"Scans", "Deferred", "OutOfDistribution"} <= set(JUDGED)
