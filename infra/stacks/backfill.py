"""Millions of scans at a time: a Distributed Map that calls the batch function."""

import aws_cdk as cdk
from constructs import Construct

from infra.components.backfill import RESULTS_PREFIX, definition
from infra.components.synthesizer import stack_props
from infra.components.workflow import Workflow
from infra.config import Environment
from infra.nag import accept_prefix
from infra.stacks.batch import BatchStack
from infra.stacks.storage import StorageStack


class BackfillStack(cdk.Stack):
    """The existing engine for millions."""

    def __init__(self, scope: Construct, id: str, *, env: Environment, storage: StorageStack, batch: BatchStack) -> None:
        super().__init__(scope, id, **stack_props(env))
        scans, results = storage.buckets.scans, storage.buckets.results
        workflow = Workflow(
            self,
            "Backfill",
            env=env,
            key=storage.key,
            topic=storage.alerts,
            name=f"retinal-oct-{env.name}-backfill",
            definition=definition(
                function_arn=batch.alias.function_arn,
                results_bucket=results.bucket_name,
                max_concurrency=env.batch.max_concurrency,
            ),
        )
        workflow.allow(["lambda:InvokeFunction"], batch.alias.function_arn)
        workflow.allow(["s3:ListBucket"], scans.bucket_arn)
        writes = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
        workflow.allow(writes, results.arn_for_objects(f"{RESULTS_PREFIX}*"))
        accept_prefix(workflow, results, RESULTS_PREFIX)
        workflow.allow(["kms:GenerateDataKey", "kms:Decrypt"], storage.key.key_arn)
        workflow.run_itself()
        cdk.CfnOutput(self, "StateMachine", value=workflow.machine.state_machine_arn)
