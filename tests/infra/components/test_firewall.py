def rules(assembly):
    return {rule["Name"]: rule for rule in assembly.one("Inference", "AWS::WAFv2::WebACL")["Rules"]}


def test_rules_of_bodies_count_in_the_managed_group_and_block_off_the_scan_route(production):
    common = rules(production)["AWSManagedRulesCommonRuleSet"]["Statement"]["ManagedRuleGroupStatement"]
    counted = [item["Name"] for item in common["RuleActionOverrides"] if item["ActionToUse"] == {"Count": {}}]
    assert "SizeRestrictions_BODY" in counted
    assert all(name.endswith("_BODY") for name in counted)
    elsewhere = rules(production)["BodiesElsewhere"]
    labels, route = elsewhere["Statement"]["AndStatement"]["Statements"]
    blocked = [item["LabelMatchStatement"]["Key"] for item in labels["OrStatement"]["Statements"]]
    assert blocked == [f"awswaf:managed:aws:core-rule-set:{name[: -len('BODY')]}Body" for name in counted]
    assert route["NotStatement"]["Statement"]["ByteMatchStatement"]["SearchString"] == "/v1/findings"
    assert elsewhere["Action"] == {"Block": {}}


def test_the_block_comes_after_the_label(production):
    priority = {name: rule["Priority"] for name, rule in rules(production).items()}
    assert priority["BodiesElsewhere"] > priority["AWSManagedRulesCommonRuleSet"]


def test_a_client_is_bounded_by_address_and_by_token(production):
    by_address, by_token = (
        rules(production)[name]["Statement"]["RateBasedStatement"] for name in ("RateByAddress", "RateByClient")
    )
    assert by_address["AggregateKeyType"] == "IP"
    assert by_token["CustomKeys"][0]["Header"]["Name"] == "authorization"
    assert by_address["Limit"] == by_token["Limit"] == 20_000


def test_it_stands_before_the_stage_and_strikes_tokens_out_of_its_log(production):
    assert "Stage" in str(production.one("Inference", "AWS::WAFv2::WebACLAssociation")["ResourceArn"])
    redacted = production.one("Inference", "AWS::WAFv2::LoggingConfiguration")["RedactedFields"]
    assert {"SingleHeader": {"Name": "authorization"}} in redacted
