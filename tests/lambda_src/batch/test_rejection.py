from lambda_src.batch.rejection import rejection
from lambda_src.errors import TooLarge
from lambda_src.finding import Finding


def test_a_rejection_is_shaped_like_a_finding_and_says_why() -> None:
    body = rejection(TooLarge("Too big.", limit=2, value=3), id="I", created="2026-01-01T00:00:00Z").model_dump()
    assert (body["outcome"], body["label"], body["triage"], body["reason"]) == ("rejected", None, "needs_review", "Too big.")
    assert (body["problem"]["type"], body["problem"]["limit"], body["problem"]["value"]) == ("urn:oct:problem:too-large", 2, 3)
    assert set(body) - {"problem"} <= set(Finding.model_fields)
