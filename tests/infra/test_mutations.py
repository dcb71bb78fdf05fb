"""A template with one thing taken away makes a test fail: the tests hold what they say they hold."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.infra.components import test_api, test_buckets, test_grants, test_intake, test_rollout
from tests.infra.conftest import Assembly

Resources = dict[str, dict[str, Any]]


def named(resources: Resources, kind: str, starts: str = "") -> str:
    return next(name for name, item in resources.items() if item["Type"] == kind and name.startswith(starts))


def without_a_grant(resources: Resources) -> None:
    policy = resources[named(resources, "AWS::IAM::Policy", "ScansRole")]["Properties"]["PolicyDocument"]
    policy["Statement"] = [item for item in policy["Statement"] if "dynamodb:PutItem" not in item["Action"]]


def without_a_bucket_policy(resources: Resources) -> None:
    del resources[named(resources, "AWS::S3::BucketPolicy", "BucketsScans")]


def with_a_short_visibility(resources: Resources) -> None:
    resources[named(resources, "AWS::SQS::Queue", "IntakeQueue")]["Properties"]["VisibilityTimeout"] = 30


def without_notifications(resources: Resources) -> None:
    resources[named(resources, "AWS::S3::Bucket", "BucketsScans")]["Properties"]["NotificationConfiguration"][
        "QueueConfigurations"
    ] = []


def without_partial_failures(resources: Resources) -> None:
    del resources[named(resources, "AWS::Lambda::EventSourceMapping")]["Properties"]["FunctionResponseTypes"]


def without_scopes(resources: Resources) -> None:
    for item in resources.values():
        item.get("Properties", {}).pop("AuthorizationScopes", None)


def without_roll_back(resources: Resources) -> None:
    resources[named(resources, "AWS::CodeDeploy::DeploymentGroup")]["Properties"]["AlarmConfiguration"]["Alarms"] = []


MUTATIONS: list[tuple[str, Callable[[Resources], None], Callable[[Assembly], None]]] = [
    ("Batch", without_a_grant, lambda it: test_grants.test_a_function_may_do_this_and_no_more(it, "Batch")),
    ("Storage", without_a_bucket_policy, test_buckets.test_every_bucket_refuses_what_is_not_tls),
    (
        "Storage",
        with_a_short_visibility,
        test_intake.test_a_message_is_hidden_for_six_timeouts_and_set_aside_after_some_deliveries,
    ),
    ("Storage", without_notifications, test_intake.test_a_new_scan_becomes_a_message),
    ("Batch", without_partial_failures, test_intake.test_the_queue_feeds_the_alias_by_parts_and_within_bounds),
    ("Inference", without_scopes, test_api.test_v1_needs_a_token_with_the_scope_of_its_verb_and_the_page_none),
    ("Batch", without_roll_back, lambda it: test_rollout.test_an_alias_shifts_by_canary_and_alarms_roll_it_back(it, "Batch")),
]


@pytest.mark.parametrize(("stack", "mutate", "check"), MUTATIONS, ids=[item[1].__name__ for item in MUTATIONS])
def test_what_is_taken_away_is_missed(production, tmp_path: Path, stack, mutate, check):
    mutated = Assembly(Path(shutil.copytree(production.folder, tmp_path / "mutated", ignore=shutil.ignore_patterns("asset.*"))))
    check(mutated)
    (path,) = mutated.folder.glob(f"*-{stack}.template.json")
    template = json.loads(path.read_text())
    mutate(template["Resources"])
    path.write_text(json.dumps(template))
    with pytest.raises((AssertionError, KeyError, ValueError)):
        check(mutated)
