"""`python -m infra.app`: the app as `cdk` runs it. Synthesis reads files of this repository only: no AWS, no git, no network.

Context: `-c environment=sandbox|production`, `-c model=PREFIX@SHA256` or `-c bundle=FOLDER`, `-c repository=OWNER/NAME`,
`-c alarms_email=...`, `-c emulator=true`.
"""

from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk

from infra.config import Environment, environment
from infra.model import Model, model_in, published
from infra.nag import check
from infra.stacks.backfill import BackfillStack
from infra.stacks.batch import BatchStack
from infra.stacks.delivery import DeliveryStack
from infra.stacks.inference import InferenceStack
from infra.stacks.model import ModelStack
from infra.stacks.observability import ObservabilityStack
from infra.stacks.storage import StorageStack
from infra.stacks.training import TrainingStack

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class System:
    """The stacks of one environment; None where its configuration leaves one out."""

    storage: StorageStack
    model: ModelStack
    inference: InferenceStack
    batch: BatchStack
    backfill: BackfillStack
    observability: ObservabilityStack
    training: TrainingStack | None
    delivery: DeliveryStack | None


def build(app: cdk.App, env: Environment, model: Model) -> System:
    """Put all stacks of one environment into the app."""

    def name(stack: str) -> str:
        return f"RetinalOct-{env.name.title()}-{stack}"

    storage = StorageStack(app, name("Storage"), env=env)
    bundle = ModelStack(app, name("Model"), env=env, storage=storage, model=model)
    inference = InferenceStack(app, name("Inference"), env=env, storage=storage, model=bundle)
    batch = BatchStack(app, name("Batch"), env=env, storage=storage, model=bundle)
    backfill = BackfillStack(app, name("Backfill"), env=env, storage=storage, batch=batch)
    training = TrainingStack(app, name("Training"), env=env, storage=storage, model=bundle) if env.training else None
    observability = ObservabilityStack(app, name("Observability"), env=env, storage=storage, inference=inference, batch=batch)
    delivery = DeliveryStack(app, name("Delivery"), env=env) if env.repository else None
    return System(storage, bundle, inference, batch, backfill, observability, training, delivery)


def main() -> None:
    """Build the app that the context asks for and write its templates."""
    # CDK's own check of templates is left to cfn-lint, which the tests run: it takes half of the time of a synthesis.
    app = cdk.App(builtin_cloud_formation_validation=False)

    def context(key: str) -> str | None:
        value = app.node.try_get_context(key)
        return str(value) if value else None  # CI hands over a variable that is not set as an empty one

    env = environment(
        context("environment") or "sandbox",
        emulator=context("emulator") == "true",
        repository=context("repository"),
        email=context("alarms_email"),
    )
    named = context("model")
    model = published(named) if named else model_in(Path(context("bundle") or ROOT / "model_artifacts"))
    build(app, env, model)
    check(app)
    app.synth()


if __name__ == "__main__":
    main()
