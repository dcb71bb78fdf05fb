import json

from lambda_src.classifier import load_classifier
from lambda_src.finding import NOTICE, HeatMap, new_id, now
from lambda_src.imaging.decode import decode

FIELDS = [
    "schema_version", "id", "created", "outcome", "reason", "label", "top_class", "triage", "probabilities", "prediction_set",
    "coverage", "ood", "quality", "heat_map", "image", "model", "notice",
]  # fmt: skip


def test_the_wire_form_is_that_of_the_contract(tiny_bundle):
    finding = load_classifier(tiny_bundle).finding(decode((tiny_bundle / "golden/cnv.png").read_bytes()))
    wire = finding.wire()
    assert list(wire) == FIELDS
    assert wire == json.loads(finding.wire_json())
    assert list(wire["heat_map"]) == ["class", "grid", "frame"]
    assert list(wire["image"]) == ["sha256", "width", "height", "format", "frame", "laterality"]
    assert wire["notice"] == NOTICE
    assert set(wire) - set(finding.body()) == {"id", "created"}


def test_an_overlay_is_on_the_wire_only_where_there_is_one():
    bare = HeatMap(class_="CNV", grid=[[1.0]], frame=(0, 0, 1, 1))
    assert "overlay" not in bare.model_dump(by_alias=True)
    assert bare.model_copy(update={"overlay": "data:,"}).model_dump(by_alias=True)["overlay"] == "data:,"


def test_ids_are_long_unequal_and_sort_by_time():
    ids = [new_id() for _ in range(50)]
    assert len(set(ids)) == 50
    assert {len(name) for name in ids} == {42}
    assert ids[0][:10] <= ids[-1][:10]


def test_the_time_is_utc():
    assert now().endswith("Z")
