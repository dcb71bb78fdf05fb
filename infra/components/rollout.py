"""A version, an alias, and the shift of traffic from the old version to the new one."""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.config import Environment
from infra.nag import accept

ALIAS = "live"


class Rollout(Construct):
    """The alias that callers use.

    Code, settings and the model's address and hash are all part of a version, so they shift together and roll back together.
    """

    def __init__(self, scope: Construct, id: str, *, function: lambda_.Function) -> None:
        super().__init__(scope, id)
        self.alias = lambda_.Alias(self, "Alias", alias_name=ALIAS, version=function.current_version)

    def shift(self, *, env: Environment, alarms: Sequence[cloudwatch.IAlarm]) -> None:
        """Shift by canary and roll back when an alarm fires; at once where the environment has no canary."""
        if env.canary is None:
            return
        group = codedeploy.LambdaDeploymentGroup(
            self,
            "Shift",
            application=codedeploy.LambdaApplication(self, "Application"),
            alias=self.alias,
            deployment_config=getattr(codedeploy.LambdaDeploymentConfig, env.canary),
            alarms=list(alarms),
            auto_rollback=codedeploy.AutoRollbackConfig(
                failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
            ),
        )
        accept(
            group,
            "CodeDeploy's own limited policy for Lambda: it shifts aliases, reads alarms and invokes nothing but hooks.",
            "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited]",
        )
