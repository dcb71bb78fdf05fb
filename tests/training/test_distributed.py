import subprocess
import sys
from pathlib import Path

import torch

from training.distributed import gather, is_main, rank, world, wrapped


def test_one_process_needs_no_group() -> None:
    values = torch.ones(2, 3)
    layer = torch.nn.Linear(1, 1)
    assert (world(), rank(), is_main()) == (1, 0, True)
    assert gather(values) is values
    assert wrapped(layer) is layer


def test_two_processes_equal_one_with_the_doubled_batch(root: Path) -> None:
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*launch, "-m", "tests.training.two_processes"], cwd=root, check=False, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr[-2000:]
