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
    ("Batch", without_a_grant, lambda it: test_grants.test_a_role_may_do_this_and_no_more(it, "Batch/Scans")),
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


def mutated(assembly: Assembly, folder: Path, stack: str, mutate: Callable[[Resources], None]) -> Assembly:
    """The assembly's templates in a folder of their own, with one of them changed."""
    copy = Assembly(Path(shutil.copytree(assembly.folder, folder, ignore=shutil.ignore_patterns("asset.*"))))
    (path,) = copy.folder.glob(f"*-{stack}.template.json")
    template = json.loads(path.read_text())
    mutate(template["Resources"])
    path.write_text(json.dumps(template))
    return copy


def misses(check: Callable[[Assembly], None], assembly: Assembly) -> bool:
    """Whether a check does not see that something is wrong."""
    try:
        check(assembly)
    except (AssertionError, KeyError, ValueError):
        return False
    return True


@pytest.mark.parametrize(("stack", "mutate", "check"), MUTATIONS, ids=[item[1].__name__ for item in MUTATIONS])
def test_what_is_taken_away_is_missed(production, tmp_path: Path, stack, mutate, check):
    check(production)
    assert not misses(check, mutated(production, tmp_path / "mutated", stack, mutate))


@pytest.mark.parametrize("role", test_grants.EXPECTED)
def test_no_right_of_a_role_goes_unnoticed(production, tmp_path: Path, role: str):
    stack, _, starts = role.partition("/")
    rights = [
        (at, action)
        for at, (name, item) in enumerate(production.statements())
        if name.startswith(role)
        for action in listed(item["Action"])
    ]
    first = min(at for at, _ in rights)
    for number, (at, action) in enumerate(rights):

        def without(resources: Resources, index: int = at - first, action: str = action) -> None:
            policy = resources[named(resources, "AWS::IAM::Policy", starts)]["Properties"]["PolicyDocument"]
            statement = policy["Statement"][index]
            statement["Action"] = [item for item in listed(statement["Action"]) if item != action]

        changed = mutated(production, tmp_path / str(number), stack, without)
        assert not misses(lambda it: test_grants.test_a_role_may_do_this_and_no_more(it, role), changed), action


def test_no_bucket_policy_goes_unnoticed(production, tmp_path: Path):
    for name in production.of_type("Storage", "AWS::S3::BucketPolicy"):

        def without(resources: Resources, name: str = name) -> None:
            del resources[name]

        changed = mutated(production, tmp_path / name, "Storage", without)
        assert not misses(test_buckets.test_every_bucket_refuses_what_is_not_tls, changed), name


def test_no_setting_of_a_queue_goes_unnoticed(production, tmp_path: Path):
    checks = [check for name, check in vars(test_intake).items() if name.startswith("test_")]
    settings = [
        (name, key) for name, item in production.of_type("Storage", "AWS::SQS::Queue").items() for key in item if key != "Tags"
    ]
    settings += [(name, None) for name in production.of_type("Storage", "AWS::SQS::QueuePolicy")]
    assert len(settings) == 8
    for name, key in settings:

        def without(resources: Resources, name: str = name, key: str | None = key) -> None:
            if key is None:
                del resources[name]
            else:
                del resources[name]["Properties"][key]

        changed = mutated(production, tmp_path / f"{name}-{key}", "Storage", without)
        assert not all(misses(check, changed) for check in checks), (name, key)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
