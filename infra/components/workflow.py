"""A state machine from its definition, with its log, its tracing and its alarm."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.components.alarm import alarm
from infra.components.logs import log_group
from infra.config import Environment
from infra.nag import accept


class Workflow(Construct):
    """A standard state machine. Its rights are added by who wires it."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        env: Environment,
        key: kms.IKey,
        topic: sns.ITopic,
        name: str,
        definition: dict[str, Any],
    ) -> None:
        super().__init__(scope, id)
        group = log_group(self, "Logs", env=env, key=key, name=f"/aws/vendedlogs/states/{name}")
        self._name = name
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=name,
            definition_body=sfn.DefinitionBody.from_string(cdk.Stack.of(self).to_json_string(definition)),
            logs=sfn.LogOptions(destination=group, level=sfn.LogLevel.ALL, include_execution_data=False),
            tracing_enabled=True,
        )
        failed = self.machine.metric_failed(period=cdk.Duration.minutes(5), statistic="Sum")
        alarm(self, "WorkflowFailed", metric=failed, threshold=1, text=f"An execution of {name} failed.", topic=topic)
        accept(
            self,
            "Step Functions delivers its logs and traces by actions that take no resource: X-Ray's and the log delivery's.",
            "AwsSolutions-IAM5[Resource::*]",
        )
        accept(
            self,
            "Rights live beside the role they are for, so that one review shows all of them.",
            "HIPAA.Security-IAMNoInlinePolicy",
        )

    def allow(self, actions: list[str], *resources: str, conditions: dict[str, Any] | None = None) -> None:
        """Let the workflow do something to named resources."""
        self.machine.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=list(resources), conditions=conditions))

    def run_itself(self) -> None:
        """Let a Distributed Map start, watch and redrive its own child executions, which have names of their own."""
        self.allow(["states:StartExecution"], self._arn("stateMachine", self._name))
        children = [f"{self._name}/*", f"{self._name}:*"]
        self.allow(
            ["states:DescribeExecution", "states:StopExecution", "states:RedriveExecution"],
            *(self._arn("execution", name) for name in children),
        )
        for name in children:
            accept(
                self,
                "The star stands for the executions of this one state machine, which are named as they start.",
                f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{name}]",
            )

    def _arn(self, resource: str, name: str) -> str:
        return cdk.Stack.of(self).format_arn(
            service="states", resource=resource, resource_name=name, arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
        )
