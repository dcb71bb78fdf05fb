from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from training.checkpoint import StopSignal, Terminated, load_checkpoint, save_atomically, seed_for
from training.errors import TrainingError
from training.loop import Schedule, Stage, optimise, rate_at

SCHEDULE = Schedule(12, 0.05, report_every=3, save_every=5)


def _model() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))


def _loss_of(model: nn.Module, stop_at: int | None = None, stop: StopSignal | None = None) -> Callable[[int], Tensor]:
    def loss_of(step: int) -> Tensor:
        if stop is not None and step == stop_at:
            stop.raised = True
        x = torch.randn(8, 3, generator=torch.Generator().manual_seed(seed_for(1, step)))
        error: Tensor = model(x) - x.sum(dim=1, keepdim=True)
        return error.pow(2).mean()

    return loss_of


def test_a_stopped_training_resumes_to_the_same_numbers(tmp_path: Path) -> None:
    whole = _model()
    history = optimise(whole, _loss_of(whole), SCHEDULE, Stage("test", "k"))
    stop, broken = StopSignal(), _model()
    stage = Stage("test", "k", tmp_path / "test.pt", stop)
    with pytest.raises(Terminated, match="after step 5 of 12"):
        optimise(broken, _loss_of(broken, 4, stop), SCHEDULE, stage)
    resumed = _model()
    resumed_history = optimise(resumed, _loss_of(resumed), SCHEDULE, Stage("test", "k", tmp_path / "test.pt"))
    assert resumed_history == history
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_a_killed_training_resumes_from_the_last_checkpoint(tmp_path: Path) -> None:
    schedule = Schedule(12, 0.05, report_every=2, save_every=4)
    whole, broken, resumed = _model(), _model(), _model()
    history = optimise(whole, _loss_of(whole), schedule, Stage("test", "k"))
    stage, loss_of, seen = Stage("test", "k", tmp_path / "test.pt"), _loss_of(broken), []

    def killed(step: int) -> Tensor:
        if step == 10:
            raise KeyboardInterrupt  # nothing is written on the way out
        return loss_of(step)

    def counted(step: int) -> Tensor:
        seen.append(step)
        return _loss_of(resumed)(step)

    with pytest.raises(KeyboardInterrupt):
        optimise(broken, killed, schedule, stage)
    assert optimise(resumed, counted, schedule, stage) == history
    assert seen == [8, 9, 10, 11]
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_a_finished_stage_is_not_trained_again(tmp_path: Path) -> None:
    model = _model()
    stage = Stage("test", "k", tmp_path / "test.pt")
    history = optimise(model, _loss_of(model), SCHEDULE, stage)

    def never(step: int) -> Tensor:
        raise AssertionError(step)

    again = _model()
    assert optimise(again, never, SCHEDULE, stage) == history
    assert torch.equal(again.state_dict()["0.weight"], model.state_dict()["0.weight"])


def test_a_loss_that_is_no_number_ends_it() -> None:
    model = _model()
    with pytest.raises(TrainingError, match="nan at step 1"):
        optimise(model, lambda _: model(torch.full((4, 3), torch.nan)).mean(), SCHEDULE, Stage("test", "k"))


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path: Path) -> None:
    model = _model()
    optimise(model, _loss_of(model), SCHEDULE, Stage("test", "k", tmp_path / "test.pt"))
    with pytest.raises(TrainingError, match="another recipe"):
        optimise(model, _loss_of(model), SCHEDULE, Stage("test", "other", tmp_path / "test.pt"))


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(b"half a checkpoint")
    with pytest.raises(TrainingError, match="damaged"):
        load_checkpoint(tmp_path / "a.pt")


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pt"
    save_atomically(path, {"step": 1})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(TrainingError, match="No space left"):
        save_atomically(path, {"step": 2})
    assert load_checkpoint(path) == {"step": 1}
    assert [item.name for item in tmp_path.iterdir()] == ["a.pt"]


def test_rate_warms_up_and_falls_to_nothing() -> None:
    schedule = Schedule(100, 1.0)
    rates = [rate_at(step, schedule) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates[-1] < 0.001
    assert rates[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert rates[55] == pytest.approx(0.5)
