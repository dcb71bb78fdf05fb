import dataclasses

from infra.components.training import Parts, definition

PARTS = Parts(
    role_arn="role", image="image", bucket="bucket", models_bucket="models", key_arn="key", publisher_arn="publisher",
    topic_arn="topic", approval=True,
)  # fmt: skip


def path(states, start):
    names, name = [], start
    while name:
        names.append(name)
        state = states[name]
        name = state["Choices"][0]["Next"] if state["Type"] == "Choice" else state.get("Next")
    return names


def test_production_asks_before_it_publishes():
    made = definition(PARTS)
    assert path(made["States"], made["StartAt"]) == ["Train", "Evaluate", "Read", "Gate", "Approve", "Publish"]
    assert "waitForTaskToken" in made["States"]["Approve"]["Resource"]


def test_a_sandbox_publishes_what_passes_the_gate():
    made = definition(dataclasses.replace(PARTS, approval=False))
    assert path(made["States"], made["StartAt"]) == ["Train", "Evaluate", "Read", "Gate", "Publish"]
    assert made["States"]["Gate"]["Default"] == "Refused"


def test_training_is_on_spot_machines_with_checkpoints_and_no_network():
    train = definition(PARTS)["States"]["Train"]["Arguments"]
    assert train["EnableManagedSpotTraining"] is True
    assert train["EnableNetworkIsolation"] is True
    assert "checkpoints" in train["CheckpointConfig"]["S3Uri"]
    assert train["StoppingCondition"]["MaxWaitTimeInSeconds"] >= train["StoppingCondition"]["MaxRuntimeInSeconds"]


def test_the_images_repository_scans_on_push(production):
    repository = production.one("Training", "AWS::ECR::Repository")
    assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}
    assert repository["ImageTagMutability"] == "IMMUTABLE"
