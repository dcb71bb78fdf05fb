"""What `make run` prints: lines to copy, each of which works as it stands."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from lambda_src.local.names import AWS_PORT, CREDENTIALS, SCANS


@dataclass(frozen=True)
class Places:
    """Where this run is to be found: addresses, and folders as the reader would type them."""

    page_url: str
    aws_url: str
    sample: Path
    drop: Path
    findings: Path


def greeting(places: Places) -> str:
    """The lines."""
    sample = _shown(places.sample)
    program = f"{_shown(Path(sys.executable))} -m lambda_src.local"
    aws = "" if places.aws_url.endswith(f":{AWS_PORT}") else f" --aws {places.aws_url}"
    credentials = " ".join(f"{name}={value}" for name, value in CREDENTIALS.items())
    rows = (
        ("Page", places.page_url),
        ("curl", f"curl -F file=@{sample} {places.page_url}/v1/findings"),
        ("Bucket", f"{program} put {sample}{aws}"),
        ("AWS CLI", f"{credentials} aws s3 cp {sample} s3://{SCANS}/ --endpoint-url {places.aws_url}"),
        ("Folder", f"cp {sample} {_shown(places.drop)}/"),
        ("Findings", f"{program} findings{aws}"),
    )
    lines = "\n".join(f"  {name:<9} {line}" for name, line in rows)
    kept = f"Findings of the bucket are copied to {_shown(places.findings)}/; the rest is in memory and ends with Ctrl-C."
    return f"\nRetinal OCT is ready. Research use only; not a medical device.\n\n{lines}\n\n{kept}\n"


def _shown(path: Path) -> str:
    """The path from here where it lies below, not following the links of a virtual environment."""
    whole = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would leave .venv for the Python that it links to
    here = Path.cwd()
    return str(whole.relative_to(here) if whole.is_relative_to(here) else whole)
