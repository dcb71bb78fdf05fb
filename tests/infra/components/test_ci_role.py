def test_ci_may_only_take_on_the_bootstraps_roles_from_one_repository_and_environment(production):
    role = production.one("Delivery", "AWS::IAM::Role")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"]["StringEquals"] == {
        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
        "token.actions.githubusercontent.com:sub": "repo:clinic/oct:environment:production",
    }
    (policy,) = production.of_type("Delivery", "AWS::IAM::Policy").values()
    (allowed,) = policy["PolicyDocument"]["Statement"]
    assert allowed["Action"] == "sts:AssumeRole"
    assert len(allowed["Resource"]) == 4
    assert all("role/cdk-hnb659fds-" in str(resource) for resource in allowed["Resource"])
