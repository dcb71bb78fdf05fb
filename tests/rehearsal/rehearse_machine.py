"""The machine: what must be installed, and a folder that is gone afterwards."""

import contextlib
import os
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "rehearsal"
"""Kept between runs: the base image and the tools. Everything else is removed."""

PACKAGES = {
    "podman": "podman",
    "buildah": "buildah",
    "runc": "runc",
    "catatonit": "catatonit",
    "iptables": "iptables",
    "newuidmap": "uidmap",
    "mmdebstrap": "mmdebstrap",
    "openssl": "openssl",
    "/usr/lib/podman/netavark": "netavark",
    "/usr/lib/podman/aardvark-dns": "aardvark-dns",
}
"""Debian package of each program."""

CHECKOV = "checkov==3.3.30"
"""In a virtual environment of its own: it pins what others need otherwise."""
RIE_WHEEL = "aws-sam-cli==1.170.0"
RIE_MEMBER = "samcli/local/rapid/aws-lambda-rie-x86_64"


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    log: Path | None = None,
    limit_s: float | None = None,
) -> str:
    """Run a program to its end.

    Returns:
        What it printed.

    Raises:
        RuntimeError: it failed; with the end of what it printed.
    """
    words = [str(word) for word in command]
    # This Python's own programs first: cdk, and the Node that it needs.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        words,
        env={**(os.environ if env is None else env), "PATH": path},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=limit_s,
    )
    if log is not None:
        with log.open("a") as file:
            file.write(f"$ {' '.join(words)}\n{done.stdout}{done.stderr}\n")
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)[:200]} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-4000:]}")
    return done.stdout


def missing_programs() -> list[str]:
    """Debian packages that are not there."""
    return sorted(
        package for program, package in PACKAGES.items() if shutil.which(program) is None and not Path(program).is_file()
    )


def install(packages: Sequence[str]) -> list[str]:
    """Install packages where that is possible.

    Returns:
        What is missing still: everything, where this is not root on Debian, or its archive can't be reached.
    """
    if not packages:
        return []
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return list(packages)
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with contextlib.suppress(RuntimeError):
        run(["apt-get", "update", "-qq"], env=env)
        run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], env=env)
    return missing_programs()


def lacks() -> str:
    """What keeps containers from being built and run here, in words; "" where nothing does."""
    if os.geteuid() != 0:
        return "not root, who alone may mount and make networks here"
    missing = install(missing_programs())
    if missing:
        return f"not installed, and only root on a Debian with its archive can: {', '.join(missing)}"
    try:
        run(["unshare", "--mount", "--net", "--pid", "--fork", "mount", "-t", "tmpfs", "none", "/mnt"])
    except RuntimeError:
        return "this root may not mount or make networks: a container without privileges"
    return ""


def checkov() -> Path:
    """The program, installed once."""
    folder = CACHE / CHECKOV
    program = folder / "bin" / "checkov"
    if not (folder / ".installed").is_file():
        run([sys.executable, "-m", "venv", "--clear", folder])
        run([folder / "bin" / "python3", "-m", "pip", "install", "--quiet", "--no-compile", CHECKOV])
        (folder / ".installed").touch()
    return program


def tools() -> tuple[Path, Path]:
    """The emulator's Python and Lambda's runtime interface emulator, installed once."""
    python, rie = CACHE / "tools" / "bin" / "python3", CACHE / "aws-lambda-rie"
    stamp = CACHE / "tools" / ".installed"
    wanted = Path(__file__).with_name("requirements-tools.txt").read_text()
    if not stamp.is_file() or stamp.read_text() != wanted:
        CACHE.mkdir(parents=True, exist_ok=True)
        run([sys.executable, "-m", "venv", "--clear", CACHE / "tools"])
        run([python, "-m", "pip", "install", "--quiet", "-r", Path(__file__).with_name("requirements-tools.txt")])
        stamp.write_text(wanted)
    if not rie.is_file():
        _fetch_rie(rie)
    return python, rie


def _fetch_rie(target: Path) -> None:
    """It lies, static and signed for by its wheel's hash, in AWS SAM's package."""
    folder = CACHE / "wheel"
    run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, RIE_WHEEL])
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        target.write_bytes(wheel.read(RIE_MEMBER))
    target.chmod(0o755)
    shutil.rmtree(folder)


def reachable(url: str, timeout_s: float = 1.0) -> bool:
    """Whether something answers."""
    try:
        with urllib.request.urlopen(url, timeout=timeout_s):
            return True
    except OSError:
        return False
