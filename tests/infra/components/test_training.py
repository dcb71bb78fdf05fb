import dataclasses
import json
import re

import pytest

from infra.components.training import LEAST_ACCURACY, LEAST_RECALL, Parts, definition
from infra.components.training_rights import CORE
from tests.infra.conftest import ROOT
from training import container
from training.environment import Places

PARTS = Parts(
    role_arn="role", image="image", revision="image 0123", bucket="bucket", models_bucket="models", key_arn="key",
    publisher_arn="publisher", topic_arn="topic", approval=True,
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


def test_channels_are_those_that_the_training_reads():
    (channel,) = definition(PARTS)["States"]["Train"]["Arguments"]["InputDataConfig"]
    assert channel["ChannelName"] in {field.name for field in dataclasses.fields(Places)}


def test_both_jobs_run_the_images_own_commands_and_know_their_revision():
    states = definition(PARTS)["States"]
    train, evaluate = states["Train"]["Arguments"], states["Evaluate"]["Arguments"]
    for found, work in ((train["AlgorithmSpecification"], "train"), (evaluate["AppSpecification"], "evaluate")):
        assert found["ContainerEntrypoint"] == ["python3", "-m", container.__name__, work]
    assert train["Environment"] == {"OCT_REVISION": "image 0123"}
    paths = [item["S3Input"]["LocalPath"] for item in evaluate["ProcessingInputs"]]
    assert paths == [str(container.PROCESSING / name) for name in ("input", "model")]


def gate():
    """The gate's condition, with JSONata's two functions in it spelled in Python."""
    condition = definition(PARTS)["States"]["Gate"]["Choices"][0]["Condition"]
    text = condition.removeprefix("{%").removesuffix("%}").strip()
    text = text.replace("$min($each($states.input.recall, function($v) { $v.value }))", "min(recall)")
    assert "$each" not in text
    return re.sub(r"\$states\.input\.top_class_accuracy\.value", "accuracy", text)


@pytest.mark.parametrize(
    ("accuracy", "worst", "passes"),
    [(LEAST_ACCURACY, LEAST_RECALL, True), (LEAST_ACCURACY - 0.001, 1.0, False), (1.0, LEAST_RECALL - 0.001, False)],
)
def test_the_gate_asks_for_accuracy_and_for_the_worst_recall(accuracy, worst, passes):
    values = {"accuracy": accuracy, "recall": [1.0, worst, 1.0, 1.0], "min": min}
    assert eval(gate(), {"__builtins__": {}}, values) is passes  # noqa: S307 - two comparisons of this repository's own


def test_the_gate_reads_what_an_evaluation_writes():
    report = json.loads((ROOT / "training" / "results" / "evaluation-0.4.0.json").read_text())
    assert 0 < report["top_class_accuracy"]["value"] <= 1
    assert all(0 < item["value"] <= 1 for item in report["recall"].values())


def test_a_published_model_comes_out_under_the_name_that_a_deploy_takes():
    published = definition(PARTS)["States"]["Publish"]
    assert published["Arguments"]["Payload"]["Uri"] == "{% 's3://models/bundles/' & $job.name %}"
    assert published["Output"] == "{% {'model': 'bundles/' & $job.name & '@' & $states.result.Payload.Sha256} %}"


def staged(assembly, stack):
    """Files of the one image that a stack brings, below its build context."""
    images = json.loads(next(assembly.folder.glob(f"*-{stack}.assets.json")).read_text())["dockerImages"]
    (folder,) = {assembly.folder / image["source"]["directory"] for image in images.values()}
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_training_image_is_made_of_training_and_the_core_alone(production):
    files = staged(production, "Training")
    assert {"training/Dockerfile", "training/container.py", "lambda_src/classifier.py"} <= files
    assert not [name for name in files if name.startswith("model_artifacts")]
    assert {name.split("/")[1] for name in files if name.startswith("lambda_src")} <= set(CORE)


def test_the_functions_image_holds_the_bundle_in_use_and_nothing_of_training(production):
    files = staged(production, "Inference")
    bundle = ROOT / "model_artifacts"
    wanted = {"manifest.json", *json.loads((bundle / "manifest.json").read_text())["files"]}
    assert {name for name in files if name.startswith("model_artifacts")} == {f"model_artifacts/{name}" for name in wanted}
    assert not [name for name in files if name.startswith("training")]
    assert "model_artifacts/phantom_only" in (ROOT / ".dockerignore").read_text().splitlines()


def test_packages_have_the_versions_that_development_has():
    lists = [ROOT / name for name in ("requirements.txt", "lambda_src/requirements.txt", "lambda_src/requirements-local.txt")]
    pins = {line for path in lists for line in path.read_text().splitlines()}
    own = [line for line in (ROOT / "training" / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    assert own
    assert set(own) <= pins
