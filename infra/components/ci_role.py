"""The roles of CI: no stored secret, one repository, one environment."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.config import Environment
from infra.nag import accept

ISSUER = "token.actions.githubusercontent.com"
BOOTSTRAP_QUALIFIER = cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER
DEPLOY = ("deploy", "file-publishing", "image-publishing", "lookup")
DIFF = ("lookup",)
"""A pull request's code runs before anybody has read it: it may look, and change nothing."""


class CiRole(Construct):
    """GitHub's OIDC provider, and two roles that may do nothing but take on the bootstrap's own: one deploys, one looks."""

    def __init__(self, scope: Construct, id: str, *, env: Environment) -> None:
        super().__init__(scope, id)
        self._provider = iam.CfnOIDCProvider(self, "GitHub", url=f"https://{ISSUER}", client_id_list=["sts.amazonaws.com"])
        name, repository = f"retinal-oct-{env.name}-ci", f"repo:{env.repository}"
        self.role = self._role("Role", name, f"{repository}:environment:{env.name}", DEPLOY)
        self.diff_role = self._role("DiffRole", f"{name}-diff", f"{repository}:pull_request", DIFF)

    def _role(self, id: str, name: str, subject: str, bootstrap_roles: tuple[str, ...]) -> iam.Role:
        stack = cdk.Stack.of(self)
        claims = {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": subject}
        role = iam.Role(
            self,
            id,
            role_name=name,
            max_session_duration=cdk.Duration.hours(1),
            assumed_by=iam.WebIdentityPrincipal(self._provider.attr_arn, {"StringEquals": claims}),
        )
        allowed = [
            stack.format_arn(
                service="iam",
                region="",
                resource="role",
                resource_name=f"cdk-{BOOTSTRAP_QUALIFIER}-{part}-role-{stack.account}-{stack.region}",
            )
            for part in bootstrap_roles
        ]
        role.add_to_policy(iam.PolicyStatement(actions=["sts:AssumeRole"], resources=allowed))
        accept(role, "One statement, and this role only: to read it here is the review.", "HIPAA.Security-IAMNoInlinePolicy")
        return role
