def clients(assembly):
    items = assembly.of_type("Inference", "AWS::Cognito::UserPoolClient").values()
    return {tuple(item["AllowedOAuthFlows"]): item for item in items}


def test_systems_have_a_secret_and_the_page_has_none(production):
    found = clients(production)
    assert found[("client_credentials",)]["GenerateSecret"] is True
    assert found[("code",)]["GenerateSecret"] is False
    assert set(found) == {("client_credentials",), ("code",)}


def test_scopes_are_read_and_write(production):
    server = production.one("Inference", "AWS::Cognito::UserPoolResourceServer")
    assert server["Identifier"] == "findings"
    assert [scope["ScopeName"] for scope in server["Scopes"]] == ["read", "write"]


def test_nobody_signs_up_and_everybody_has_a_second_factor(production):
    pool = production.one("Inference", "AWS::Cognito::UserPool")
    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert pool["MfaConfiguration"] == "ON"
    assert pool["DeletionProtection"] == "ACTIVE"
