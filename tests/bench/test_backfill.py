import pytest

from tests.bench.backfill import Plan, batch_s, simulate, sqs_instead

SCANS = 30_000_000


def test_time_is_that_of_the_arithmetic_where_nothing_holds_it_up() -> None:
    plan = Plan(SCANS, 50)
    by_hand_h = SCANS * 1.005 / (50 * 32 / batch_s(plan)) / 3600
    outcome = simulate(plan)
    assert outcome.bound_by == "concurrency"
    assert outcome.hours == pytest.approx(by_hand_h, rel=0.01)


def test_s3_s_request_rate_makes_more_functions_useless() -> None:
    some, many = simulate(Plan(SCANS, 500)), simulate(Plan(SCANS, 1000))
    assert some.bound_by == many.bound_by == "S3 reads"
    assert many.hours == pytest.approx(some.hours, rel=0.01)
    assert many.costs["Lambda"] > 1.9 * some.costs["Lambda"]
    assert simulate(Plan(SCANS, 1000, prefixes=10)).hours < some.hours / 5


def test_small_batches_cost_transitions() -> None:
    assert simulate(Plan(SCANS, 100, items_per_batch=1)).costs["Step Functions"] == pytest.approx(
        SCANS * 1.005 * 4 * 2.5e-5, rel=0.01
    )


def test_a_queue_costs_what_its_requests_do() -> None:
    assert sqs_instead(Plan(1_000_000, 1)) == pytest.approx(0.48)
