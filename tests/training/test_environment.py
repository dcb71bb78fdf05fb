from pathlib import Path

import pytest

from training.environment import places, write_failure
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


def test_plain_runs_keep_no_checkpoint_unless_told(tmp_path: Path) -> None:
    where, _ = places({"out": tmp_path}, {})
    assert where.checkpoint("finetune") is None


def test_no_output_folder_and_no_such_channel_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="--out FOLDER"):
        places({}, {})
    with pytest.raises(TrainingError, match="no folder"):
        places({"out": tmp_path, "data": tmp_path / "nowhere"}, {})


def test_hyperparameters_may_be_text() -> None:
    recipe = make_recipe({"epochs": "7", "class_weights": "false", "rate": "1e-4"})
    assert (recipe.epochs, recipe.class_weights, recipe.rate) == (7, False, 1e-4)


@pytest.mark.parametrize("given", [{"epochz": 1}, {"epochs": "many"}, {"size": 100}, {"batch": 1}, {"class_weights": "perhaps"}])
def test_wrong_hyperparameters_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(TrainingError):
        make_recipe(given)
