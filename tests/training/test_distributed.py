import subprocess
import sys
from pathlib import Path

import torch

from training.distributed import any_process, from_main, gather, host_first, is_main, rank, world, wrapped


def test_one_process_needs_no_group() -> None:
    values = torch.ones(2, 3)
    layer = torch.nn.Linear(1, 1)
    assert (world(), rank(), is_main()) == (1, 0, True)
    assert gather(values) is values
    assert wrapped(layer) is layer
    assert (any_process(True), any_process(False)) == (True, False)
    assert from_main(values) is values
    with host_first():
        assert world() == 1


def test_two_processes_equal_one_with_the_doubled_batch_and_resume(root: Path, tmp_path: Path) -> None:
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*launch, "-m", "tests.training.two_processes", str(tmp_path)],
        cwd=root,
        check=False,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr[-2000:]
