import pytest

ISSUER = "token.actions.githubusercontent.com"
ROLES = {
    "CiRole": ("repo:clinic/oct:environment:production", {"deploy", "file-publishing", "image-publishing", "lookup"}),
    "CiDiffRole": ("repo:clinic/oct:pull_request", {"lookup"}),
}


@pytest.mark.parametrize(("starts", "subject", "parts"), [(name, *wanted) for name, wanted in ROLES.items()])
def test_ci_may_only_take_on_the_bootstraps_roles_and_a_pull_request_only_look(production, starts, subject, parts):
    role = production.one("Delivery", "AWS::IAM::Role", starts)
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"]["StringEquals"] == {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": subject}
    policy = production.one("Delivery", "AWS::IAM::Policy", starts)
    (allowed,) = policy["PolicyDocument"]["Statement"]
    assert allowed["Action"] == "sts:AssumeRole"
    resources = allowed["Resource"] if isinstance(allowed["Resource"], list) else [allowed["Resource"]]
    assert len(resources) == len(parts)
    assert all(any(f"role/cdk-hnb659fds-{part}-role-" in str(item) for item in resources) for part in parts)


def test_there_is_no_other_role(production):
    assert len(production.of_type("Delivery", "AWS::IAM::Role")) == len(ROLES)
