"""What an environment may ask of the API beyond the two real ones: a private endpoint, a name of its own, other origins."""

import dataclasses
import json

import pytest

from infra import config
from tests.infra.variants import DOMAIN, ENDPOINTS, ORIGINS


def test_a_private_api_answers_its_endpoints_only(private):
    rest = private.one("Inference", "AWS::ApiGateway::RestApi")
    assert rest["EndpointConfiguration"] == {"Types": ["PRIVATE"], "VpcEndpointIds": list(ENDPOINTS)}
    (statement,) = rest["Policy"]["Statement"]
    assert statement["Action"] == "execute-api:Invoke"
    assert statement["Condition"] == {"StringEquals": {"aws:SourceVpce": list(ENDPOINTS)}}


def test_another_api_is_regional_and_has_no_policy(production):
    rest = production.one("Inference", "AWS::ApiGateway::RestApi")
    assert rest["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert "Policy" not in rest


def test_a_name_of_its_own_asks_for_a_client_certificate_and_is_the_only_way_in(domain):
    made = domain.one("Inference", "AWS::ApiGateway::DomainName")
    assert made["DomainName"] == DOMAIN.name
    assert made["MutualTlsAuthentication"]["TruststoreUri"] == DOMAIN.truststore_s3_uri
    assert made["SecurityPolicy"] == "TLS_1_2"
    assert made["RegionalCertificateArn"] == DOMAIN.certificate_arn
    assert domain.one("Inference", "AWS::ApiGateway::RestApi")["DisableExecuteApiEndpoint"] is True
    (mapping,) = domain.of_type("Inference", "AWS::ApiGateway::BasePathMapping").values()
    assert "Stage" in str(mapping["Stage"])


def test_the_page_logs_in_and_the_smoke_test_asks_under_the_api_s_own_name(domain):
    page = next(
        item
        for item in domain.of_type("Inference", "AWS::Cognito::UserPoolClient").values()
        if item["AllowedOAuthFlows"] == ["code"]
    )
    outputs = domain.template("Inference")["Outputs"]
    assert page["CallbackURLs"] == page["LogoutURLs"] == [outputs["Url"]["Value"]] == [f"https://{DOMAIN.name}/"]
    target = next(item for name, item in outputs.items() if "DomainTarget" in name)
    assert target["Value"]["Fn::GetAtt"][1] == "RegionalDomainName"


def test_named_origins_reach_the_application_which_answers_the_preflight(domain):
    methods = domain.of_type("Inference", "AWS::ApiGateway::Method").values()
    (preflight,) = (item for item in methods if item["HttpMethod"] == "OPTIONS")
    assert (preflight["AuthorizationType"], preflight["Integration"]["Type"]) == ("NONE", "AWS_PROXY")
    variables = domain.one("Inference", "AWS::Lambda::Function")["Environment"]["Variables"]
    assert variables["OCT_CORS_ORIGINS"] == ",".join(ORIGINS)


def test_no_origin_no_cors(production):
    assert "OPTIONS" not in {item["HttpMethod"] for item in production.of_type("Inference", "AWS::ApiGateway::Method").values()}
    assert "OCT_CORS_ORIGINS" not in production.one("Inference", "AWS::Lambda::Function")["Environment"]["Variables"]


def test_a_private_api_with_a_custom_domain_is_refused_with_both_named():
    api = config.SANDBOX.api
    with pytest.raises(ValueError, match=rf"vpce-0a1b2c3d.*or has a custom domain \({DOMAIN.name}\)"):
        dataclasses.replace(api, private_endpoint_ids=ENDPOINTS, domain=DOMAIN)


@pytest.mark.parametrize("name", ["private", "domain"])
def test_options_break_no_rule(name, request):
    report = json.loads((request.getfixturevalue(name).folder / "validation-report.json").read_text())
    assert [item["ruleName"] for pack in report["pluginReports"] for item in pack["violations"]] == []


def test_arm64_is_a_switch(private, production):
    for assembly, wanted in ((private, "arm64"), (production, "x86_64")):
        for stack in ("Inference", "Batch"):
            assert assembly.one(stack, "AWS::Lambda::Function")["Architectures"] == [wanted]
