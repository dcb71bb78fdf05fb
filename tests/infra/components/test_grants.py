"""What each function may do, spelled out: a right more or less is a change of this file."""

import json
import re

import pytest

EXPECTED = {
    "Inference": {
        "models/bundles/*": {"s3:GetObject", "s3:GetObjectVersion"},
        "results/summaries/*": {"s3:GetObject", "s3:GetObjectVersion"},
        "scans/uploads/*": {"s3:PutObject"},
        "table": {"dynamodb:GetItem", "dynamodb:PutItem"},
    },
    "Batch": {
        "models/bundles/*": {"s3:GetObject", "s3:GetObjectVersion"},
        "scans/*": {"s3:GetObject", "s3:GetObjectVersion"},
        "scans": {"s3:ListBucket"},
        "results/findings/*": {"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"},
        "results/summaries/*": {"s3:PutObject"},
        "results": {"s3:ListBucket"},
        "table": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
    },
    "Model": {
        "models/bundles/*": {"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"},
        "results/training/*": {"s3:GetObject", "s3:GetObjectVersion"},
    },
}


def name_of(resource):
    text = json.dumps(resource)
    kind = next((kind for kind in ("Scans", "Results", "Models") if f"Buckets{kind}" in text), None)
    if kind is not None:
        prefix = re.search(r"\"(/[^\"]*)\"\]", text)
        return kind.lower() + (prefix.group(1) if prefix else "")
    return "table" if "Findings" in text else None


def rights(assembly, stack):
    found: dict[str, set[str]] = {}
    for where, statement in assembly.statements():
        if where.startswith(f"{stack}/"):
            resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            for resource in resources:
                name = name_of(resource)
                if name is not None:
                    found.setdefault(name, set()).update(actions)
    return found


@pytest.mark.parametrize("stack", EXPECTED)
def test_a_function_may_do_this_and_no_more(production, stack):
    assert rights(production, stack) == EXPECTED[stack]
