"""`make lock`: the serving image's packages with all that they need, each wheel of both architectures by its hash.

pip resolves for the image's Python, whatever this one is, and installs nothing (pip documentation, "Installation Report").
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SERVING = Path(__file__).parents[1] / "lambda_src"
LISTS = (SERVING / "requirements.txt", SERVING / "requirements-server.txt")
LOCK = SERVING / "requirements-image.txt"
PYTHON = "3.11"
PLATFORMS = {arch: [f"manylinux{kind}_{arch}" for kind in ("_2_28", "2014")] for arch in ("x86_64", "aarch64")}
HEAD = """\
# The image's packages: those of requirements.txt and requirements-server.txt with all that they need, by hash.
# Written by `make lock`: each wheel of CPython 3.11 for x86_64 and arm64.
"""


def resolved(arch: str) -> list[dict[str, Any]]:
    """What pip would install on an architecture, as its report tells it.

    Raises:
        CalledProcessError: something has no wheel there, or two packages can't agree.
    """
    options = ["--dry-run", "--ignore-installed", "--quiet", "--only-binary", ":all:", "--report", "-"]
    options += ["--python-version", PYTHON, "--implementation", "cp", *(f"--platform={name}" for name in PLATFORMS[arch])]
    options += [word for path in LISTS for word in ("-r", str(path))]
    with tempfile.TemporaryDirectory() as target:  # pip asks for a target where the platform is not its own
        command = [sys.executable, "-m", "pip", "install", "--target", target, *options]
        return list(json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)["install"])  # noqa: S603 - own words


def lock(items: Iterable[dict[str, Any]]) -> str:
    """The text of the lock: names in order, the hashes of all architectures under each.

    Raises:
        ValueError: two architectures would get two versions of a package.
    """
    versions: dict[str, str] = {}
    hashes: dict[str, set[str]] = {}
    for item in items:
        name, version = item["metadata"]["name"].lower().replace("_", "-"), item["metadata"]["version"]
        if versions.setdefault(name, version) != version:
            raise ValueError(f"{name} would be {versions[name]} here and {version} there; pin it in {LISTS[0].name}.")
        hashes.setdefault(name, set()).add(item["download_info"]["archive_info"]["hashes"]["sha256"])
    lines = [" \\\n".join([f"{name}=={versions[name]}", *_lines(hashes[name])]) for name in sorted(versions)]
    return HEAD + "\n".join(lines) + "\n"


def _lines(hashes: set[str]) -> list[str]:
    return [f"    --hash=sha256:{value}" for value in sorted(hashes)]


if __name__ == "__main__":
    LOCK.write_text(lock(item for arch in PLATFORMS for item in resolved(arch)))
    sys.stdout.write(f"{LOCK.name} written\n")
