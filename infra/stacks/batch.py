"""Scans from the bucket: the queue feeds the batch function, which leaves a finding for each."""

import aws_cdk as cdk
from aws_cdk import aws_lambda_event_sources as sources
from constructs import Construct

from infra.components.function import ImageFunction
from infra.components.grants import list_bucket, read_prefix, use_table, write_prefix
from infra.components.health import FunctionHealth
from infra.components.rollout import Rollout
from infra.components.synthesizer import stack_props
from infra.config import BUNDLES_PREFIX, RESULTS_PREFIX, SUMMARIES_PREFIX, Environment
from infra.stacks.model import ModelStack
from infra.stacks.storage import StorageStack
from infra.variables import BATCH_SERVICE, variables


class BatchStack(cdk.Stack):
    """The bucket door."""

    def __init__(self, scope: Construct, id: str, *, env: Environment, storage: StorageStack, model: ModelStack) -> None:
        super().__init__(scope, id, **stack_props(env))
        self.add_stack_dependency(model)
        buckets, key, size = storage.buckets, storage.key, env.batch_function
        worker = ImageFunction(
            self,
            "Scans",
            env=env,
            command="lambda_src.handlers.batch.handler",
            size=size,
            key=key,
            variables=variables(BATCH_SERVICE, storage) | model.variables,
            description="Works through new scans",
        )
        self.function = worker.function
        read_prefix(self.function, bucket=buckets.models, prefix=BUNDLES_PREFIX, key=key)
        read_prefix(self.function, bucket=buckets.scans, prefix="", key=key)
        list_bucket(self.function, bucket=buckets.scans)
        read_prefix(self.function, bucket=buckets.results, prefix=RESULTS_PREFIX, key=key)
        write_prefix(self.function, bucket=buckets.results, prefix=RESULTS_PREFIX, key=key)
        write_prefix(self.function, bucket=buckets.results, prefix=SUMMARIES_PREFIX, key=key)
        list_bucket(self.function, bucket=buckets.results)
        use_table(self.function, table=storage.table, key=key, actions=("GetItem", "PutItem", "UpdateItem"))
        rollout = Rollout(self, "Rollout", function=self.function)
        self.alias = rollout.alias
        self.alias.add_event_source(
            sources.SqsEventSource(
                storage.intake.queue,
                batch_size=env.batch.messages,
                max_batching_window=cdk.Duration.seconds(env.batch.window_s),
                max_concurrency=env.batch.max_concurrency,
                report_batch_item_failures=True,
            )
        )
        p99_ms = size.timeout_s * 500  # half of the timeout is time to look, not yet lost work
        self.health = FunctionHealth(
            self, "Health", env=env, alias=self.alias, service=BATCH_SERVICE, p99_ms=p99_ms, topic=storage.alerts
        )
        rollout.shift(env=env, alarms=self.health.alarms)
