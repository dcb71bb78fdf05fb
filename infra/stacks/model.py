"""The model bundle in its bucket, checked before anything may read it."""

import aws_cdk as cdk
from constructs import Construct

from infra.components.grants import read_prefix
from infra.components.publisher import Publisher
from infra.components.synthesizer import stack_props
from infra.components.training import ARCHIVES_PREFIX
from infra.config import Environment
from infra.model import Model
from infra.stacks.storage import StorageStack


class ModelStack(cdk.Stack):
    """One published bundle."""

    def __init__(self, scope: Construct, id: str, *, env: Environment, storage: StorageStack, model: Model) -> None:
        super().__init__(scope, id, **stack_props(env))
        self.publisher = Publisher(self, "Publisher", env=env, key=storage.key, bucket=storage.buckets.models, model=model)
        if env.training:  # the workflow's last step hands it what a job made
            read_prefix(self.publisher.worker.function, bucket=storage.buckets.results, prefix=ARCHIVES_PREFIX, key=storage.key)
        self.variables = {"OCT_MODEL_URI": self.publisher.uri, "OCT_MODEL_SHA256": model.sha256}
