import json

import pytest

from infra.components.api import ACCESS_LOG
from infra.components.gateway_errors import PROBLEMS, body_of
from lambda_src import errors


def methods(assembly):
    return list(assembly.of_type("Inference", "AWS::ApiGateway::Method").values())


def test_v1_needs_a_token_with_the_scope_of_its_verb_and_the_page_none(production):
    protected = {item["HttpMethod"]: item["AuthorizationScopes"] for item in methods(production) if "AuthorizerId" in item}
    assert protected == {"GET": ["findings/read"], "POST": ["findings/write"]}
    assert {item["HttpMethod"] for item in methods(production) if "AuthorizerId" not in item} == {"GET"}


def test_scans_pass_as_they_are_and_no_cors_is_given(production):
    assert production.one("Inference", "AWS::ApiGateway::RestApi")["BinaryMediaTypes"] == ["*/*"]
    assert "OPTIONS" not in {item["HttpMethod"] for item in methods(production)}


def test_the_stage_throttles_and_logs_no_bodies(production):
    stage = production.one("Inference", "AWS::ApiGateway::Stage")
    (setting,) = stage["MethodSettings"]
    assert setting["DataTraceEnabled"] is False
    assert setting["ThrottlingRateLimit"] == 200
    assert json.loads(stage["AccessLogSetting"]["Format"]) == ACCESS_LOG


@pytest.mark.parametrize("leak", ["$context.path", "requestOverride", "identity.user", "querystring"])
def test_the_access_log_holds_no_path_and_no_person(leak):
    assert not [value for value in ACCESS_LOG.values() if leak in value]


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_gateways_errors_are_problems_of_the_one_table(name, production):
    _, problem = PROBLEMS[name]
    known = errors.PROBLEMS[problem.slug]
    assert problem.title == known.title or problem.slug == "bad-request"
    response = next(
        item
        for key, item in production.of_type("Inference", "AWS::ApiGateway::GatewayResponse").items()
        if f"Problem{name}" in key
    )
    assert response["ResponseTemplates"]["application/json"] == body_of(problem)
    assert response["StatusCode"] == str(problem.status)


def test_a_scan_that_is_too_large_is_shown_the_way(production):
    assert "/v1/uploads" in body_of(PROBLEMS["ScanTooLarge"][1])
