"""An AWS on this machine: ministack with IAM enforced and TLS, on podman's socket; and `cdk` against it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.rehearsal.rehearse_image import IMAGE, Engine
from tests.rehearsal.rehearse_keys import keys_proxy
from tests.rehearsal.rehearse_machine import ROOT, run

LIMIT_S = 600
"""Of one `cdk` command. A custom resource that gives no answer is waited for by an hour."""

REGION = "us-east-1"
ACCOUNT = "000000000000"
HOST_OF_CONTAINERS = "10.88.0.1"
"""podman's default bridge: where a container finds this machine."""
_INNER_TRUST = "/var/rehearsal/ca.pem"

_DOCKER_SHIM = """#!/bin/sh
# cdk's `docker`: the image was built before, by buildah, and has its name; there is no registry to log in to or to push to.
exit 0
"""


@dataclass(frozen=True)
class Cloud:
    """A running emulator."""

    endpoint: str
    folder: Path
    engine: Engine
    bundle: str

    @property
    def env(self) -> dict[str, str]:
        """Environment of every program that talks to it: its address, its certificate, a home of its own."""
        trust = str(self.folder / "ca.pem")
        return self.engine.env | {
            "HOME": str(self.folder / "home"),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CA_BUNDLE": trust,
            "SSL_CERT_FILE": trust,
            "REQUESTS_CA_BUNDLE": trust,
            "NODE_EXTRA_CA_CERTS": trust,
            "CDK_DOCKER": str(self.folder / "docker"),
            "CDK_DISABLE_CLI_TELEMETRY": "1",
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
        }

    def client(self, service: str) -> Any:
        """A boto3 client with the root's key."""
        return boto3.session.Session("test", "test", region_name=REGION).client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.endpoint,
            verify=str(self.folder / "ca.pem"),
            config=Config(retries={"total_max_attempts": 3}),
        )

    def synthesise(self, *context: str) -> Path:
        """Synthesise the project's own app once, for the commands that follow."""
        output = self.folder / f"cdk.out.{len(list(self.folder.glob('cdk.out.*')))}"
        words = [
            word for pair in ("environment=sandbox", "emulator=true", f"bundle={self.bundle}", *context) for word in ("-c", pair)
        ]
        app = ["--app", f"{sys.executable} -m infra.app", "--output", str(output)]
        run(["cdk", "synth", "--quiet", *app, *words], env=self.env, log=self.folder / "cdk.log")
        self.name_images(output)
        return output

    def name_images(self, assembly: Path) -> None:
        """Give the image that was built the names that the assembly's functions ask for."""
        for path in assembly.glob("*.assets.json"):
            for asset in json.loads(path.read_text()).get("dockerImages", {}).values():
                for place in asset["destinations"].values():
                    repository = place["repositoryName"].replace("${AWS::AccountId}", ACCOUNT).replace("${AWS::Region}", REGION)
                    self.engine("tag", IMAGE, f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{repository}:{place['imageTag']}")

    def cdk(self, command: str, assembly: Path, *words: str) -> str:
        """Run a `cdk` command on all stacks of an assembly."""
        return run(
            ["cdk", command, "--all", *words, "--app", assembly], env=self.env, log=self.folder / "cdk.log", limit_s=LIMIT_S
        )

    def bootstrap(self) -> None:
        """Prepare the account, as an administrator does once."""
        run(["cdk", "bootstrap", f"aws://{ACCOUNT}/{REGION}"], env=self.env, cwd=self.folder, log=self.folder / "cdk.log")

    def outputs(self) -> dict[str, str]:
        """Every output of every stack."""
        stacks = self.client("cloudformation").describe_stacks()["Stacks"]
        return {item["OutputKey"]: item["OutputValue"] for stack in stacks for item in stack.get("Outputs", [])}


@contextlib.contextmanager
def cloud(engine: Engine, python: Path, rie: Path, folder: Path, bundle: Path) -> Iterator[Cloud]:
    """Start podman's API and the emulator; end both."""
    folder.mkdir()
    (folder / "home").mkdir()
    shim = folder / "docker"
    shim.write_text(_DOCKER_SHIM)
    shim.chmod(0o755)
    port = free_port()
    made = Cloud(f"https://localhost:{port}", folder, engine, str(bundle))
    _certificate(folder)
    sock = folder / "podman.sock"
    settings = {
        "DOCKER_HOST": f"unix://{sock}",
        "GATEWAY_PORT": str(port),
        "AUTH": "true",
        "USE_SSL": "1",
        "MINISTACK_SSL_CERT": str(folder / "cert.pem"),
        "MINISTACK_SSL_KEY": str(folder / "key.pem"),
        "MINISTACK_REGION": REGION,
        "IOT_MTLS_ENABLED": "0",
        "LAMBDA_STRICT": "0",
        "LAMBDA_DOCKER_FLAGS": f"--add-host host.docker.internal:{HOST_OF_CONTAINERS} --read-only --tmpfs /tmp --memory 1769m "
        f"-v {rie}:/usr/local/bin/aws-lambda-rie:ro "
        # The emulator's own bundle can be read by root alone, and a function is not root.
        f"-v {folder / 'ca.pem'}:{_INNER_TRUST}:ro "
        + " ".join(f"-e {name}={_INNER_TRUST}" for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")),
        "TMPDIR": str(folder),
    }
    env = {name: value for name, value in made.env.items() if name != "AWS_ENDPOINT_URL"} | settings
    with _process(["podman", "system", "service", "--time", "0", f"unix://{sock}"], env, folder / "podman.log"):
        _wait(sock.exists, "podman's socket")
        with (
            keys_proxy(folder / "ca.pem") as proxied,
            _process([str(python), "-m", "ministack"], env | proxied, folder / "ministack.log"),
        ):
            _wait(lambda: _listens(port), "the emulator")
            yield made


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _certificate(folder: Path) -> None:
    """A certificate for the emulator's names, and a bundle of it with the system's."""
    names = f"DNS:localhost,DNS:*.localhost,DNS:host.docker.internal,DNS:*.amazonaws.com,IP:127.0.0.1,IP:{HOST_OF_CONTAINERS}"
    subject = ["-subj", "/CN=rehearsal", "-addext", f"subjectAltName={names}", "-days", "2"]
    run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            folder / "key.pem",
            "-out",
            folder / "cert.pem",
            *subject,
        ]
    )
    system = Path("/etc/ssl/certs/ca-certificates.crt")
    (folder / "ca.pem").write_text((system.read_text() if system.is_file() else "") + (folder / "cert.pem").read_text())


@contextlib.contextmanager
def _process(command: list[str], env: dict[str, str], log: Path) -> Iterator[None]:
    """A program in a group of its own that is ended, all of it, at the end."""
    with log.open("w") as file:
        started = subprocess.Popen(command, env=env, cwd=ROOT, stdout=file, stderr=file, start_new_session=True)
        try:
            yield
        except BaseException as error:
            error.add_note(f"{log.name} ends with:\n{log.read_text()[-3000:]}")
            raise
        finally:
            os.killpg(started.pid, signal.SIGTERM)
            try:
                started.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(started.pid, signal.SIGKILL)
                started.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait(ready: Any, what: str, limit_s: float = 60) -> None:
    deadline = time.monotonic() + limit_s
    while not ready():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} was not ready in {limit_s} s.")
        time.sleep(0.05)
