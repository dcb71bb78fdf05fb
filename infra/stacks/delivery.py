"""How CI may deploy."""

import aws_cdk as cdk
from constructs import Construct

from infra.components.ci_role import CiRole
from infra.components.synthesizer import stack_props
from infra.config import Environment


class DeliveryStack(cdk.Stack):
    """The roles of the CI provider."""

    def __init__(self, scope: Construct, id: str, *, env: Environment) -> None:
        super().__init__(scope, id, **stack_props(env))
        ci = CiRole(self, "Ci", env=env)
        cdk.CfnOutput(self, "CiRole", value=ci.role.role_arn)
        cdk.CfnOutput(self, "CiDiffRole", value=ci.diff_role.role_arn)
