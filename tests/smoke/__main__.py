"""`python -m tests.smoke outputs.json`: a token, golden scans, their labels; an exit status that a workflow understands."""

import base64
import json
import os
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parents[2] / "model_artifacts" / "golden"
TIMEOUT_S = 30


def outputs_of(path: Path) -> dict[str, str]:
    """Every stack's outputs, as `cdk deploy --outputs-file` writes them, by name."""
    return {name: value for stack in json.loads(path.read_text()).values() for name, value in stack.items()}


def token(outputs: dict[str, str], secret: str) -> str:
    """An access token by client credentials."""
    basic = base64.b64encode(f"{outputs['SystemsClient']}:{secret}".encode()).decode()
    body = urllib.parse.urlencode({"grant_type": "client_credentials", "scope": "findings/write"}).encode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
    return str(_json(urllib.request.Request(outputs["TokenUrl"], data=body, headers=headers))["access_token"])  # noqa: S310 - own


def label(outputs: dict[str, str], bearer: str, scan: bytes) -> Any:
    """What the deployed system calls a scan."""
    headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "image/png", "Accept": "application/json"}
    return _json(urllib.request.Request(f"{outputs['Url']}v1/findings", data=scan, headers=headers))["label"]  # noqa: S310 - own


def main(arguments: list[str]) -> int:
    """Ask for every golden scan."""
    outputs = outputs_of(Path(arguments[0]))
    bearer = token(outputs, os.environ["SMOKE_CLIENT_SECRET"])
    wrong = 0
    for path in sorted(GOLDEN.glob("*.png")):
        wanted = json.loads(path.with_suffix(".json").read_bytes())["label"]
        found = label(outputs, bearer, path.read_bytes())
        wrong += found != wanted
        print(f"{path.stem}: {found}, {wanted} was expected")
    return int(wrong > 0)


def _json(request: urllib.request.Request) -> dict[str, Any]:
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310 - the deploy's own outputs
        return dict(json.loads(response.read()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
