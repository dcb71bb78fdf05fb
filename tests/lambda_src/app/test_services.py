from collections.abc import Callable
from typing import Any, cast

import pytest

from lambda_src.app.services import load_once
from lambda_src.classifier import Classifier
from lambda_src.errors import BundleRefused, ModelNotReady


def _counted(outcomes: list[Any]) -> tuple[Callable[[], Classifier], list[int]]:
    calls: list[int] = []

    def load() -> Classifier:
        calls.append(1)
        outcome = outcomes[min(len(calls), len(outcomes)) - 1]
        if isinstance(outcome, Exception):
            raise outcome
        return cast(Classifier, outcome)

    return load, calls


def test_a_model_is_loaded_once() -> None:
    load, calls = _counted(["model"])
    source = load_once(load)
    assert source() is source()
    assert len(calls) == 1


def test_a_refusal_is_kept_and_told_each_time() -> None:
    load, calls = _counted([BundleRefused("changed")])
    source = load_once(load)
    for _ in range(2):
        with pytest.raises(BundleRefused, match="changed"):
            source()
    assert len(calls) == 1


@pytest.mark.parametrize("passing", [OSError("disk"), ModelNotReady("disk")])
def test_what_may_pass_is_tried_again(passing: Exception) -> None:
    load, _ = _counted([passing, "model"])
    source = load_once(load)
    with pytest.raises(type(passing), match="disk"):
        source()
    assert cast(str, source()) == "model"
