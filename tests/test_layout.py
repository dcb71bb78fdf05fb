"""The rules of the layout that a linter cannot hold: imports go one way, files stay short, names at the top are fixed."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOP = {"infra", "lambda_src", "training", "model_artifacts", "tests", "cdk.json", "requirements.txt", "README.md", "Makefile",
       "pyproject.toml", "LICENSE", "CHANGELOG.md"}  # fmt: skip
CORE = ("errors", "finding", "decision", "classifier", "imaging", "model")
TRAINING_SIDE = ("training", "torch", "keras", "kornia", "aws_cdk", "constructs", "infra", "tests", "scipy", "matplotlib", "onnx")
# Each may import what stands beside or below it.
LAYERS = [
    {"handlers", "__main__", "local", "cli"},
    {"app", "batch", "aws", "settings"},
    {"classifier"},
    {"imaging", "model", "decision", "finding", "jobs"},
    {"errors"},
]


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).exists()]


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            found.add(node.module or "")
    return found


def sources(package: str) -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py" and path.parts[0] == package]


def roots(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def test_the_top_level_names_are_the_fixed_ones():
    names = {path.parts[0] for path in tracked()}
    assert {name for name in names if not name.startswith(".")} <= TOP


@pytest.mark.parametrize("path", sources("lambda_src"), ids=str)
def test_lambda_src_knows_nothing_of_training(path):
    assert not roots(path) & set(TRAINING_SIDE)


@pytest.mark.parametrize("path", sources("training"), ids=str)
def test_training_knows_only_the_core_of_lambda_src(path):
    used = {name for name in imports(path) if name.split(".")[0] == "lambda_src"}
    assert all(name.split(".")[1] in CORE for name in used), used
    assert not roots(path) & {"infra", "tests", "aws_cdk"}
    if path != Path("training/channels.py"):
        assert not roots(path) & {"boto3", "botocore"}


@pytest.mark.parametrize("path", sources("infra"), ids=str)
def test_infra_imports_neither_other_package(path):
    assert not roots(path) & {"lambda_src", "training", "tests"}


def layer(part: str) -> int | None:
    return next((level for level, names in enumerate(LAYERS) if part in names), None)


@pytest.mark.parametrize("path", sources("lambda_src"), ids=str)
def test_imports_inside_lambda_src_go_down(path):
    own = layer(path.parts[1].removesuffix(".py"))
    if own is None:
        assert path.name == "__init__.py"
        return
    for name in imports(path):
        if name.startswith("lambda_src."):
            below = layer(name.split(".")[1])
            assert below is not None
            assert below >= own, f"{path} imports {name}"


@pytest.mark.parametrize("path", sources("lambda_src"), ids=str)
def test_only_the_adapters_know_aws_and_only_entry_points_read_settings(path):
    part = path.parts[1].removesuffix(".py")
    if part not in ("aws", "local"):
        assert not roots(path) & {"boto3", "botocore"}, path
    if part not in ("handlers", "__main__", "local", "cli", "settings"):
        assert "lambda_src.settings" not in imports(path)


@pytest.mark.parametrize("path", [path for path in tracked() if path.suffix == ".py"], ids=str)
def test_files_stay_short(path):
    assert len((ROOT / path).read_text().splitlines()) <= 250
