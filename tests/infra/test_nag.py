"""Both rule packs are clean, and what was accepted has a reason that was written for it."""

import json

import pytest


def report(assembly):
    return json.loads((assembly.folder / "validation-report.json").read_text())["pluginReports"]


@pytest.mark.parametrize("name", ["sandbox", "production"])
def test_no_rule_is_violated(name, request):
    packs = {pack["pluginName"]: pack for pack in report(request.getfixturevalue(name))}
    assert {"AwsSolutions", "HIPAA.Security"} <= packs.keys()
    assert [item["ruleName"] for pack in packs.values() for item in pack["violations"]] == []


def test_every_acceptance_has_a_reason_and_is_no_blanket(production):
    accepted = [item for pack in report(production) for item in pack["suppressedViolations"]]
    assert accepted
    for item in accepted:
        assert len(item["reason"]) > 60, item["ruleName"]
        assert "false positive" not in item["reason"].lower()
        assert "/" in item["acknowledgedAt"], f"{item['ruleName']} is accepted for a whole stack"
