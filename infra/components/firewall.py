"""WAF: AWS's managed rules, one exception for scans, and a rate by client."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from infra.components.logs import log_group
from infra.config import Environment

SCAN_ROUTE = "/v1/findings"
BODY_RULES = ("SizeRestrictions_BODY", "CrossSiteScripting_BODY", "GenericLFI_BODY", "GenericRFI_BODY", "EC2MetaDataSSRF_BODY")
"""Made for forms. A scan is larger than 8 KB, and the bytes or the XMP text of a picture look like an attack now and then."""
BODY_LABEL = "awswaf:managed:aws:core-rule-set:{}"
MANAGED = ("AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesKnownBadInputsRuleSet")
WINDOW_S = 300
_Rule = wafv2.CfnWebACL.RuleProperty
_Statement = wafv2.CfnWebACL.StatementProperty


class Firewall(Construct):
    """A web ACL in front of one API stage, with its log."""

    def __init__(self, scope: Construct, id: str, *, env: Environment, stage: apigateway.Stage, key: kms.IKey) -> None:
        super().__init__(scope, id)
        rules = [
            _rate("RateByAddress", env, aggregate_key_type="IP"),
            _rate("RateByClient", env, aggregate_key_type="CUSTOM_KEYS", custom_keys=[_by_token()]),
            *(_managed(name, ()) for name in MANAGED),
            _managed("AWSManagedRulesCommonRuleSet", BODY_RULES),
            _bodies_elsewhere(),
        ]
        self.acl = wafv2.CfnWebACL(
            self,
            "Acl",
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_visible(f"retinal-oct-{env.name}"),
            rules=[
                _Rule(name=name, priority=at, statement=statement, visibility_config=_visible(name), **{action: value})
                for at, (name, statement, action, value) in enumerate(rules)
            ],
        )
        wafv2.CfnWebACLAssociation(self, "InFront", resource_arn=stage.stage_arn, web_acl_arn=self.acl.attr_arn)
        # WAF logs only to groups of this prefix; the token is struck out.
        group = log_group(self, "Logs", env=env, key=key, name=f"aws-waf-logs-retinal-oct-{env.name}")
        self._log_to(group)

    def _log_to(self, group: logs.LogGroup) -> None:
        wafv2.CfnLoggingConfiguration(
            self,
            "Logging",
            resource_arn=self.acl.attr_arn,
            log_destination_configs=[group.log_group_arn],
            redacted_fields=[
                wafv2.CfnLoggingConfiguration.FieldToMatchProperty(single_header={"Name": "authorization"}),
                wafv2.CfnLoggingConfiguration.FieldToMatchProperty(uri_path={}),
            ],
        )


_Entry = tuple[str, wafv2.CfnWebACL.StatementProperty, str, Any]
_BLOCK = wafv2.CfnWebACL.RuleActionProperty(block={})
_COUNT = wafv2.CfnWebACL.RuleActionProperty(count={})


def _rate(name: str, env: Environment, **by: Any) -> _Entry:
    statement = wafv2.CfnWebACL.RateBasedStatementProperty(
        limit=env.api.requests_per_client_per_5_min, evaluation_window_sec=WINDOW_S, **by
    )
    return name, _Statement(rate_based_statement=statement), "action", _BLOCK


def _by_token() -> wafv2.CfnWebACL.RateBasedStatementCustomKeyProperty:
    """One token is one client, from however many addresses."""
    plain = wafv2.CfnWebACL.TextTransformationProperty(priority=0, type="NONE")
    header = wafv2.CfnWebACL.RateLimitHeaderProperty(name="authorization", text_transformations=[plain])
    return wafv2.CfnWebACL.RateBasedStatementCustomKeyProperty(header=header)


def _managed(name: str, only_count: Sequence[str]) -> _Entry:
    group = wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
        vendor_name="AWS",
        name=name,
        rule_action_overrides=[wafv2.CfnWebACL.RuleActionOverrideProperty(name=rule, action_to_use=_COUNT) for rule in only_count]
        or None,
    )
    return (
        name,
        _Statement(managed_rule_group_statement=group),
        "override_action",
        wafv2.CfnWebACL.OverrideActionProperty(none={}),
    )


def _bodies_elsewhere() -> _Entry:
    """What the rules of bodies found is let through on the scan route, and blocked on every other."""
    labels = [BODY_LABEL.format(rule.removesuffix("BODY") + "Body") for rule in BODY_RULES]
    found = [
        _Statement(label_match_statement=wafv2.CfnWebACL.LabelMatchStatementProperty(scope="LABEL", key=label))
        for label in labels
    ]
    labelled = _Statement(or_statement=wafv2.CfnWebACL.OrStatementProperty(statements=found))
    on_scan_route = _Statement(
        byte_match_statement=wafv2.CfnWebACL.ByteMatchStatementProperty(
            field_to_match=wafv2.CfnWebACL.FieldToMatchProperty(uri_path={}),
            positional_constraint="ENDS_WITH",
            search_string=SCAN_ROUTE,
            text_transformations=[wafv2.CfnWebACL.TextTransformationProperty(priority=0, type="NONE")],
        )
    )
    elsewhere = _Statement(not_statement=wafv2.CfnWebACL.NotStatementProperty(statement=on_scan_route))
    both = wafv2.CfnWebACL.AndStatementProperty(statements=[labelled, elsewhere])
    return "BodiesElsewhere", _Statement(and_statement=both), "action", _BLOCK


def _visible(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=False
    )
