"""What a person sees, and is woken by."""

import aws_cdk as cdk
from constructs import Construct

from infra.components.budget import monthly_budget
from infra.components.dashboard import dashboard
from infra.components.queue_alarms import QueueAlarms
from infra.components.synthesizer import stack_props
from infra.config import Environment
from infra.stacks.batch import BatchStack
from infra.stacks.inference import InferenceStack
from infra.stacks.storage import StorageStack
from infra.variables import API_SERVICE, BATCH_SERVICE


class ObservabilityStack(cdk.Stack):
    """Dashboard, alarms and budget."""

    def __init__(
        self, scope: Construct, id: str, *, env: Environment, storage: StorageStack, inference: InferenceStack, batch: BatchStack
    ) -> None:
        super().__init__(scope, id, **stack_props(env))
        rest = inference.api.rest
        dashboard(
            self,
            "Dashboard",
            name=f"retinal-oct-{env.name}",
            services={API_SERVICE: inference.alias, BATCH_SERVICE: batch.alias},
            rest=rest,
            intake=storage.intake,
        )
        QueueAlarms(self, "Alarms", env=env, intake=storage.intake, rest=rest, topic=storage.alerts)
        if env.budget:
            monthly_budget(self, "Budget", env=env)
