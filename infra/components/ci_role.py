"""The role that CI deploys with: no stored secret, one repository, one environment."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.config import Environment
from infra.nag import accept

ISSUER = "token.actions.githubusercontent.com"
BOOTSTRAP_QUALIFIER = cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER
BOOTSTRAP_ROLES = ("deploy", "file-publishing", "image-publishing", "lookup")


class CiRole(Construct):
    """GitHub's OIDC provider, and a role that may do nothing but take on the bootstrap's own roles."""

    def __init__(self, scope: Construct, id: str, *, env: Environment) -> None:
        super().__init__(scope, id)
        stack = cdk.Stack.of(self)
        provider = iam.CfnOIDCProvider(self, "GitHub", url=f"https://{ISSUER}", client_id_list=["sts.amazonaws.com"])
        subject = f"repo:{env.repository}:environment:{env.name}"
        self.role = iam.Role(
            self,
            "Role",
            role_name=f"retinal-oct-{env.name}-ci",
            max_session_duration=cdk.Duration.hours(1),
            assumed_by=iam.WebIdentityPrincipal(
                provider.attr_arn, {"StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": subject}}
            ),
        )
        roles = [
            stack.format_arn(
                service="iam",
                region="",
                resource="role",
                resource_name=f"cdk-{BOOTSTRAP_QUALIFIER}-{name}-role-{stack.account}-{stack.region}",
            )
            for name in BOOTSTRAP_ROLES
        ]
        self.role.add_to_policy(iam.PolicyStatement(actions=["sts:AssumeRole"], resources=roles))
        accept(self.role, "One statement, and this role only: to read it here is the review.", "HIPAA.Security-IAMNoInlinePolicy")
