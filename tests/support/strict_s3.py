"""An S3 that checks signatures, policies, expiry and conditions as AWS does: SeaweedFS's server on ports of its own."""

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

WEED = Path(sys.executable).parent / "weed"
KEYS = {"accessKey": "strict-key", "secretKey": "strict-secret"}
START_S = 90


def available() -> bool:
    """Whether the server is installed (`make setup` does)."""
    return WEED.exists() or shutil.which("weed") is not None


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Run it over a folder. Gives its address."""
    config = folder / "identities.json"
    config.write_text(json.dumps({"identities": [{"name": "oct", "credentials": [KEYS], "actions": ["Admin", "Read", "Write"]}]}))
    ports = {name: free_port() for name in ("master", "volume", "filer", "s3")}
    command = [str(WEED if WEED.exists() else "weed"), "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    options = ["-filer", "-s3", f"-s3.config={config}", *(f"-{name}.port={port}" for name, port in ports.items())]
    with (folder / "weed.log").open("w") as log, subprocess.Popen([*command, *options], stdout=log, stderr=log) as process:
        url = f"http://127.0.0.1:{ports['s3']}"
        try:
            _await(url)
            yield url
        finally:
            process.kill()  # asked politely, it takes half a minute to leave


def environment(url: str) -> dict[str, str]:
    """The variables that point boto3 at it."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": KEYS["accessKey"],
        "AWS_SECRET_ACCESS_KEY": KEYS["secretKey"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def _await(url: str) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        try:
            httpx2.get(url)
        except httpx2.TransportError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError("weed did not start")


def free_port() -> int:
    """A free port whose neighbour 10,000 above, which the server takes for gRPC, is free too."""
    while True:
        port = random.randint(20_000, 50_000)
        with socket.socket() as own, socket.socket() as neighbour:
            try:
                own.bind(("127.0.0.1", port))
                neighbour.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
        return port
