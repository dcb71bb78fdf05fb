"""The project's real Dockerfile built by buildah, and containers of the image by podman, all in a storage of their own."""

import contextlib
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.rehearsal.rehearse_machine import CACHE, ROOT, reachable, run

IMAGE = "localhost/oct:rehearsal"
TRAINING_IMAGE = "localhost/oct-training:rehearsal"
STAND_IN = "localhost/base:rehearsal"
"""In place of the Dockerfiles' BASE, which is pinned by a digest that no stand-in can have."""
BASE_PACKAGES = "python3,python3-venv,python3-pip,ca-certificates,passwd"
LIMIT_MB = 220
"""Of what the Dockerfile adds: 350 MB, less about 130 of the python:3.11-slim-bookworm that the stand-in is larger than."""
LAMBDA = ("--memory", "1769m", "--cpus", "1", "--read-only", "--tmpfs", "/tmp")
"""A function's size and its read-only root."""

_OUTSIDE = (Path("/var/lib/containers"), Path("/run/containers"))
"""What podman makes beside its storage, whatever its configuration says."""

_CONTAINERS = """[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
[containers]
default_ulimits = ["nofile=10000:10000", "nproc=8000:8000"]
[network]
network_backend = "netavark"
"""


@dataclass(frozen=True)
class Engine:
    """podman and buildah on a storage below one folder."""

    folder: Path
    kept: tuple[Path, ...] = field(default_factory=lambda: tuple(path for path in _OUTSIDE if path.exists()))

    @property
    def env(self) -> dict[str, str]:
        """The environment that both programs, and what calls them, need."""
        return os.environ | {
            "CONTAINERS_CONF": str(self.folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
        }

    def setup(self) -> None:
        """Write the configuration."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "containers.conf").write_text(_CONTAINERS)
        storage = f'[storage]\ndriver = "overlay"\ngraphroot = "{self.folder}/graph"\nrunroot = "{self.folder}/run"\n'
        (self.folder / "storage.conf").write_text(storage)

    def __call__(self, *words: str | Path) -> str:
        """Run podman."""
        return run(["podman", *words], env=self.env)

    def remove(self) -> None:
        """Remove every container, every mount and the folder."""
        with contextlib.suppress(RuntimeError):
            self("rm", "--all", "--force", "--time", "0")
            run(["buildah", "rm", "--all"], env=self.env)
        with contextlib.suppress(RuntimeError):
            self("rmi", "--all", "--force")
        for mount in sorted(_mounts_below(self.folder), reverse=True):
            subprocess.run(["umount", "--lazy", mount], check=False)
        shutil.rmtree(self.folder)
        for path in set(_OUTSIDE) - set(self.kept):
            shutil.rmtree(path, ignore_errors=True)


def _mounts_below(folder: Path) -> list[str]:
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [point for point in points if point.startswith(f"{folder}/")]


def base_tar() -> tuple[Path, bool]:
    """Root file system of a Debian with its own Python, in place of the base that can't be pulled here; kept between runs.

    Returns:
        The archive, and whether it was made just now.
    """
    path = CACHE / "base" / "base.tar"
    if path.is_file():
        return path, False
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    skipped = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("man", "doc", "locale", "info")]
    run(["mmdebstrap", "--variant=minbase", "--format=tar", *skipped, f"--include={BASE_PACKAGES}", "bookworm", partial])
    partial.rename(path)
    return path, True


_BUILD = ("buildah", "bud", "--isolation", "chroot", "--pull-never", "--format", "docker")


def build_base(engine: Engine, base: Path) -> None:
    """Make the stand-in base an image."""
    containerfile = base.with_name("Containerfile")
    containerfile.write_text("FROM scratch\nADD base.tar /\n")
    run([*_BUILD, "--tag", STAND_IN, "--file", containerfile, base.parent], env=engine.env)


def build(engine: Engine, context: Path, dockerfile: str, tag: str) -> int:
    """Build one of the project's Dockerfiles on the stand-in base.

    Returns:
        The unpacked image's size in MB.
    """
    words: list[str | Path] = ["--build-arg", f"BASE={STAND_IN}", "--tag", tag, "--file", context / dockerfile, context]
    run([*_BUILD, *_host_trust(), *words], env=engine.env)
    return int(json.loads(engine("image", "inspect", tag))[0]["Size"]) // 1_000_000


def context_of(folder: Path, bundle: Path) -> Path:
    """The build context: the repository's own, with a bundle that may lie elsewhere."""
    folder.mkdir()
    shutil.copy(ROOT / ".dockerignore", folder)
    for package in ("lambda_src", "training"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(bundle, folder / "model_artifacts")
    return folder


def _host_trust() -> list[str]:
    """This machine's certificates and pip settings, for one that reaches PyPI through a proxy or a mirror."""
    wanted = [Path("/etc/ssl/certs"), Path("/etc/pip.conf"), Path.home() / ".config" / "pip"]
    settings = run(["python3", "-m", "pip", "config", "list"])
    wanted += [Path(part).parent for word in settings.split() if word.startswith("file:") for part in [word.strip("'\"")[7:]]]
    return [word for path in dict.fromkeys(wanted) if path.exists() for word in ("--volume", f"{path}:{path}:ro")]


@contextlib.contextmanager
def container(engine: Engine, name: str, port: int, inner_port: int, *options: str, command: str) -> Iterator[str]:
    """A container of the image with one port on this machine; its log is in the error when it ends badly."""
    published = f"127.0.0.1:{port}:{inner_port}"
    engine("run", "--detach", "--name", name, "--publish", published, *options, IMAGE, command)
    try:
        yield f"http://127.0.0.1:{port}"
    except BaseException as error:
        error.add_note(engine("logs", "--tail", "20", name))
        raise
    finally:
        engine("rm", "--force", "--time", "0", name)


def runtime_answers(engine: Engine, rie: Path, port: int, event: dict[str, Any]) -> tuple[dict[str, Any], float, float]:
    """An event through the real runtime interface emulator, in a container of Lambda's size.

    Returns:
        The answer, and the seconds of the first (its start included) and of a warm one.
    """
    start = time.perf_counter()
    mount = ("--volume", f"{rie}:/usr/local/bin/aws-lambda-rie:ro")
    with container(engine, "runtime", port, 8080, *LAMBDA, *mount, command="lambda_src.handlers.api.handler") as address:
        url = f"{address}/2015-03-31/functions/function/invocations"
        answer = _post_until(url, event)
        cold_s = time.perf_counter() - start
        start = time.perf_counter()
        _post_until(url, event)
        return answer, cold_s, time.perf_counter() - start


def serves(engine: Engine, port: int, scan: bytes) -> dict[str, Any]:
    """A finding from the image as a plain server, and its health check passed."""
    with container(engine, "server", port, 8000, "--read-only", "--tmpfs", "/tmp", command="serve") as url:
        deadline = time.monotonic() + 60
        while not reachable(f"{url}/readyz"):
            if time.monotonic() > deadline:
                raise RuntimeError("The server did not become ready in a minute.")
            time.sleep(0.2)
        engine("healthcheck", "run", "server")
        request = urllib.request.Request(f"{url}/v1/findings", data=scan, headers={"Content-Type": "image/png"})
        with urllib.request.urlopen(request, timeout=30) as response:
            return dict(json.loads(response.read()))


def _post_until(url: str, event: dict[str, Any], limit_s: float = 60) -> dict[str, Any]:
    deadline = time.monotonic() + limit_s
    while True:
        try:
            request = urllib.request.Request(url, data=json.dumps(event).encode())
            with urllib.request.urlopen(request, timeout=limit_s) as response:
                return dict(json.loads(response.read()))
        except (ConnectionError, urllib.error.URLError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
