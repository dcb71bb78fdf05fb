"""What is deployed, as a list that a review sees change. After a meant change: python -m tests.infra.test_snapshot."""

import json
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.infra.conftest import synthesise
from tests.support.tiny_bundle import write_tiny_bundle

SNAPSHOT = Path(__file__).with_name("snapshot.json")
_HASH = re.compile(r"(?<![a-z])[0-9a-fA-F]{8,64}(?![a-z])")


def shape(assembly):
    """Every stack's resources by type, and its outputs; hashes masked."""
    stacks = {}
    for stack in assembly.stacks():
        template = assembly.template(stack)
        kinds = Counter(item["Type"] for item in template["Resources"].values())
        stacks[stack] = {
            "resources": dict(sorted(kinds.items())),
            "outputs": sorted({_HASH.sub("#", name) for name in template.get("Outputs", {}) if not name.startswith("Exports")}),
        }
    return stacks


def test_what_is_deployed_is_what_was_reviewed(production):
    assert shape(production) == json.loads(SNAPSHOT.read_text())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        bundle = write_tiny_bundle(Path(folder) / "bundle")
        context = {"environment": "production", "repository": "clinic/oct", "alarms_email": "on-call@example.org"}
        made = shape(synthesise(Path(folder) / "out", bundle, **context))
    SNAPSHOT.write_text(json.dumps(made, indent=1) + "\n")
    sys.stdout.write(f"{SNAPSHOT.name} written\n")
