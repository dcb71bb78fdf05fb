import json

from infra.components.dashboard import CLASSES, OUTCOMES, STAGES
from lambda_src.aws import metrics
from lambda_src.model.manifest import CLASSES as MODEL_CLASSES


def body(assembly):
    """The dashboard's JSON with its tokens as text."""
    made = assembly.one("Observability", "AWS::CloudWatch::Dashboard")["DashboardBody"]
    parts = made["Fn::Join"][1] if isinstance(made, dict) else [made]
    return json.loads("".join(part if isinstance(part, str) else "token" for part in parts))


def test_names_are_those_that_the_application_writes():
    assert set(OUTCOMES) == set(metrics.OUTCOMES.values())
    assert CLASSES == MODEL_CLASSES
    assert metrics.NAMESPACE == "RetinalOCT"


def test_both_doors_show_outcomes_classes_scores_and_the_time_of_each_stage(production):
    shown = [line[1] for widget in body(production)["widgets"] for line in widget["properties"].get("metrics", [])]
    for name in (*OUTCOMES, *CLASSES):
        assert shown.count(name) == 2, name
    for name in (*STAGES, "OodScore"):
        assert shown.count(name) == 4, name
