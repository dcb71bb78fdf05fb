"""The app's templates, synthesised once for each environment, as plain dictionaries."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Assembly:
    """What one synthesis wrote."""

    folder: Path

    def template(self, stack: str) -> dict[str, Any]:
        """The template of a stack, by the end of its name."""
        (path,) = self.folder.glob(f"*-{stack}.template.json")
        return dict(json.loads(path.read_text()))

    def stacks(self) -> list[str]:
        return sorted(path.name.split("-")[-1].split(".")[0] for path in self.folder.glob("*.template.json"))

    def of_type(self, stack: str, kind: str) -> dict[str, dict[str, Any]]:
        """Properties of every resource of a type, by logical id."""
        found = self.template(stack)["Resources"].items()
        return {name: item.get("Properties", {}) for name, item in found if item["Type"] == kind}

    def one(self, stack: str, kind: str, starts: str = "") -> dict[str, Any]:
        (found,) = (item for name, item in self.of_type(stack, kind).items() if name.startswith(starts))
        return found

    def statements(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every statement of every role's policy, with its stack and logical id."""
        for stack in self.stacks():
            for name, item in self.of_type(stack, "AWS::IAM::Policy").items():
                for statement in item["PolicyDocument"]["Statement"]:
                    yield f"{stack}/{name}", statement


def synthesise(folder: Path, bundle: Path, *, app: str = "infra.app", **context: str) -> Assembly:
    """Run the app as `cdk` does, without `cdk`."""
    settings = json.loads((ROOT / "cdk.json").read_text())["context"] | {"bundle": str(bundle)} | context
    env = os.environ | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "CDK_OUTDIR": str(folder),
        "CDK_CONTEXT_JSON": json.dumps(settings),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
    }
    done = subprocess.run([sys.executable, "-m", app], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-3000:]
    return Assembly(folder)


@pytest.fixture(scope="session")
def crowded_bundle(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path) -> Path:
    """A bundle with another one, and a stray file, in its folder."""
    folder = Path(shutil.copytree(tiny_bundle, tmp_path_factory.mktemp("crowded") / "bundle"))
    shutil.copytree(tiny_bundle, folder / "phantom_only")
    (folder / "golden" / "stray.png").write_bytes(b"stray")
    return folder


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory, crowded_bundle: Path) -> Assembly:
    return synthesise(tmp_path_factory.mktemp("sandbox"), crowded_bundle, environment="sandbox")


@pytest.fixture(scope="session")
def production(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path) -> Assembly:
    folder = tmp_path_factory.mktemp("production")
    return synthesise(folder, tiny_bundle, environment="production", repository="clinic/oct", alarms_email="on-call@example.org")


def _variant(name: str, factory: pytest.TempPathFactory, bundle: Path) -> Assembly:
    return synthesise(factory.mktemp(name), bundle, app="tests.infra.variants", environment=name)


@pytest.fixture(scope="session")
def private(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path) -> Assembly:
    """With a private endpoint, on arm64."""
    return _variant("private", tmp_path_factory, tiny_bundle)


@pytest.fixture(scope="session")
def domain(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path) -> Assembly:
    """With a name of its own, mutual TLS, and two origins for CORS."""
    return _variant("domain", tmp_path_factory, tiny_bundle)
