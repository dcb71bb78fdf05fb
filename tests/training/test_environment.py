import json
import sys
from pathlib import Path

import pytest

from training.environment import local, places, write_failure
from training.errors import TrainingError
from training.recipe import make_recipe


def test_sagemaker_s_variables_are_read(tmp_path: Path) -> None:
    env = {
        "SM_MODEL_DIR": str(tmp_path / "model"),
        "SM_OUTPUT_DATA_DIR": str(tmp_path / "output/data"),
        "SM_OUTPUT_DIR": str(tmp_path / "output"),
        "SM_CHANNEL_LABELLED": str(tmp_path),
        "SAGEMAKER_BASE_DIR": str(tmp_path),
        "SM_HPS": '{"epochs": 3, "init": "random", "sagemaker_program": "train.py"}',
    }
    where, hyperparameters = places({}, env)
    assert where.out == tmp_path / "model"
    assert where.labelled == tmp_path
    assert where.checkpoint("finetune") == tmp_path / "checkpoints" / "finetune.pt"
    assert hyperparameters == {"epochs": 3, "init": "random"}
    write_failure(where, "x" * 3000)
    assert (tmp_path / "output" / "failure").read_text() == "x" * 1024


def test_options_win_over_variables(tmp_path: Path) -> None:
    where, _ = places({"out": tmp_path / "mine"}, {"SM_MODEL_DIR": "/other"})
    assert where.out == tmp_path / "mine"


def test_a_folder_is_itself_and_s3_needs_boto3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert local(str(tmp_path / "a"), tmp_path) == tmp_path / "a"
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.delitem(sys.modules, "training.channels", raising=False)
    with pytest.raises(TrainingError, match=r"s3://bucket/data can't be fetched without the package boto3"):
        local("s3://bucket/data", tmp_path)


def test_plain_runs_keep_no_checkpoint_unless_told(tmp_path: Path) -> None:
    where, _ = places({"out": tmp_path}, {})
    assert where.checkpoint("finetune") is None


def test_no_output_folder_and_no_such_channel_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="--out FOLDER"):
        places({}, {})
    with pytest.raises(TrainingError, match="no folder"):
        places({"out": tmp_path, "data": tmp_path / "nowhere"}, {})


def test_a_channel_that_nothing_reads_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no channel training is read; there are labelled, unlabelled"):
        places({}, {"SM_MODEL_DIR": str(tmp_path), "SM_CHANNEL_TRAINING": str(tmp_path)})


@pytest.mark.parametrize(
    ("option", "hyperparameters", "accepted"),
    [(None, {}, False), ("true", {}, True), (None, {"accept-leaks": "true"}, True), (None, {"accept_leaks": False}, False)],
)
def test_leaks_are_accepted_by_option_or_hyperparameter(
    tmp_path: Path, option: str | None, hyperparameters: dict[str, object], accepted: bool
) -> None:
    where, rest = places({"out": tmp_path, "accept_leaks": option}, {"SM_HPS": json.dumps(hyperparameters)})
    assert where.accept_leaks is accepted
    assert rest == {}


def test_leaks_are_not_accepted_by_a_word_that_says_neither(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="accept_leaks = 'perhaps'"):
        places({"out": tmp_path, "accept_leaks": "perhaps"}, {})


def test_hyperparameters_may_be_text() -> None:
    recipe = make_recipe({"epochs": "7", "class_weights": "false", "rate": "1e-4"})
    assert (recipe.epochs, recipe.class_weights, recipe.rate) == (7, False, 1e-4)


@pytest.mark.parametrize("given", [{"epochz": 1}, {"epochs": "many"}, {"size": 100}, {"batch": 1}, {"class_weights": "perhaps"}])
def test_wrong_hyperparameters_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(TrainingError):
        make_recipe(given)
