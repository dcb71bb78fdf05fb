"""`make rehearse`: the whole system on this machine, from the Dockerfile to an empty account again.

The base image is a stand-in where neither Docker Hub nor Amazon's registry can be reached; all else is the real thing: the
Dockerfile, the runtime, the app that `cdk deploy` takes to AWS, less what the emulator lacks (`infra/config.py`, printed below).
"""

import argparse
import json
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from infra.config import EMULATOR_LACKS
from tests.rehearsal.rehearse_cloud import Cloud, cloud, free_port
from tests.rehearsal.rehearse_image import (
    IMAGE,
    LIMIT_MB,
    TRAINING_IMAGE,
    Engine,
    base_tar,
    build,
    build_base,
    context_of,
    runtime_answers,
    serves,
)
from tests.rehearsal.rehearse_machine import ROOT, checkov, lacks, run, tools
from tests.rehearsal.rehearse_system import System, another_version, empty_buckets, eventually, leftovers
from tests.rehearsal.rehearse_table import Table

DOCKERFILES = ("lambda_src/Dockerfile", "training/Dockerfile")


def main() -> int:
    """Rehearse, print the table, and leave nothing behind."""
    parser = argparse.ArgumentParser(prog="make rehearse", description=__doc__)
    parser.add_argument("--bundle", type=Path, default=ROOT / "model_artifacts", help="model bundle (default: model_artifacts)")
    parser.add_argument("--training", action="store_true", help="build the training image too: some minutes, and 2 GB")
    options = parser.parse_args()
    bundle = options.bundle.resolve()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended as after a failure
    table, folder = Table(), Path(tempfile.mkdtemp(prefix="oct-rehearsal-"))
    try:
        _synthesise(table, folder, bundle)
        _review(table, folder)
        with table.step("podman, buildah and what they need") as step:
            step.note = lacking = lacks()
        if lacking:
            table.skip("image, runtime and deploy", "only the templates were rehearsed")
        else:
            _with_containers(table, folder, bundle, training=options.training)
    except Exception as error:  # noqa: BLE001 - told below, with the table of what came before
        _tell(error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("\nLeft out on the emulator: " + "; ".join(EMULATOR_LACKS.values()) + ".")
    print(f"\n{table}")
    return 1 if table.failed else 0


def _tell(error: Exception) -> None:
    print(f"\n{type(error).__name__}: {error}", *getattr(error, "__notes__", []), sep="\n", file=sys.stderr)


def _synthesise(table: Table, folder: Path, bundle: Path) -> None:
    for name in ("sandbox", "production"):
        with table.step(f"synth {name}, both rule packs") as step:
            words = ["-c", f"environment={name}", "-c", f"bundle={bundle}", "-c", "repository=owner/name"]
            output = folder / f"cdk.out.{name}"
            run(
                [
                    "cdk",
                    "synth",
                    "--quiet",
                    "--app",
                    f"{sys.executable} -m infra.app",
                    "-o",
                    output,
                    *words,
                ]
            )
            step.note = f"{len(list(output.glob('*.template.json')))} stacks"


def _review(table: Table, folder: Path) -> None:
    with table.step("checkov, its findings reviewed") as step:
        files = [*folder.glob("cdk.out.*/*.template.json"), *(ROOT / name for name in DOCKERFILES)]
        files += (ROOT / ".github" / "workflows").glob("*.yaml")
        kinds = ("--framework", "cloudformation", "dockerfile", "github_actions")
        run([checkov(), "--config-file", ROOT / "infra" / "checkov.yaml", *kinds, "-f", *files])
        step.note = "accepted with reasons in infra/checkov.yaml"


def _with_containers(table: Table, folder: Path, bundle: Path, *, training: bool) -> None:
    with table.step("tools"):
        python, rie = tools()
    with table.step("base image") as step:
        base, made = base_tar()
        step.note = "a stand-in by mmdebstrap" + ("" if made else ", kept from before")
    engine = Engine(folder / "containers")
    engine.setup()
    try:
        with table.step("image by buildah, self-test in it") as step:
            build_base(engine, base)
            context = context_of(folder / "context", bundle)
            size = build(engine, context, DOCKERFILES[0], IMAGE)
            added = size - base.stat().st_size // 1_000_000
            step.note = f"{size} MB unpacked, {added} MB of it on top of the base"
            if added > LIMIT_MB:
                raise RuntimeError(f"The image adds {added} MB to its base; at most {LIMIT_MB} are wanted.")
        if training:
            with table.step("training image, self-test in it") as step:
                step.note = f"{build(engine, context, DOCKERFILES[1], TRAINING_IMAGE)} MB unpacked"
        _rehearse_image(table, engine, rie, bundle)
        with cloud(engine, python, rie, folder / "cloud", bundle) as aws:
            _rehearse_deploy(table, aws, folder, bundle)
    finally:
        with table.step("clean up"):
            engine.remove()


def _rehearse_image(table: Table, engine: Engine, rie: Path, bundle: Path) -> None:
    scan, expected = _golden(bundle)
    with table.step("runtime emulator, 1769 MiB, 1 CPU, read-only") as step:
        event = _event(scan)
        answer, cold_s, warm_s = runtime_answers(engine, rie, free_port(), event)
        _expect(json.loads(answer["body"])["label"], expected)
        step.note = f"first answer {cold_s:.2f} s with the container's start, then {warm_s * 1000:.0f} ms"
    with table.step("plain server, health check"):
        _expect(serves(engine, free_port(), scan)["label"], expected)


def _rehearse_deploy(table: Table, aws: Cloud, folder: Path, bundle: Path) -> None:
    with table.step("cdk bootstrap"):
        aws.bootstrap()
    with table.step("cdk deploy --all"):
        aws.cdk("deploy", aws.synthesise(), "--require-approval", "never", "--concurrency", "3")
    system = System(aws, aws.outputs())
    _rehearse_doors(table, system, bundle)
    assembly = _rehearse_promotion(table, system, folder, bundle)
    with table.step("cdk diff shows no drift"):
        aws.cdk("diff", assembly, "--fail")
    with table.step("cdk destroy --all, nothing left"):
        empty_buckets(aws)
        aws.cdk("destroy", assembly, "--force")
        _expect(leftovers(aws), [])


def _rehearse_doors(table: Table, system: System, bundle: Path) -> None:
    scan, expected = _golden(bundle)
    with table.step("page without a token, a scan without one refused"):
        _expect(system.get("/").status, 200)
        refused = system.post(scan, None)
        _expect((refused.status, refused.body["type"]), (401, "urn:oct:problem:unauthorized"))
    with table.step("token from Cognito; read may not write"):
        writer, reader = system.token("findings/write"), system.token("findings/read")
        _expect(system.post(scan, reader).status in (401, 403), True)
    with table.step("POST /v1/findings through API Gateway"):
        answer = system.post(scan, writer)
        _expect((answer.status, answer.body.get("label")), (200, expected))
    with table.step("the smoke test of CI: every golden scan"):
        system.smoke()
    with table.step("GET /v1/model"):
        _expect(system.get("/v1/model", reader).body["name"], _manifest(bundle)["name"])
    with table.step("S3 -> SQS -> Lambda -> finding"):
        system.drop("a ward/Müller+1.png", scan)
        _expect(system.beside("a ward/Müller+1.png")["label"], expected)
    with table.step("a scan that can't be read: rejected beside it"):
        system.drop("broken.png", scan[: len(scan) // 2])
        _expect("problem" in system.beside("broken.png"), True)
    with table.step("poison to the dead-letter queue"):
        system.poison()


def _rehearse_promotion(table: Table, system: System, folder: Path, bundle: Path) -> Path:
    aws, promoted = system.cloud, another_version(bundle, folder / "promoted")
    with table.step("publish a model, deploy it by name"):
        publish: list[str | Path] = [
            "-m",
            "lambda_src",
            "publish-model",
            "--bundle",
            str(promoted),
            "--bucket",
            system.outputs["ModelsBucketName"],
        ]
        name = run([sys.executable, *publish], env=aws.env).strip()
        assembly = aws.synthesise(f"model={name}")
        aws.cdk("deploy", assembly, "--require-approval", "never")
        wanted, token = _manifest(promoted)["version"], system.token("findings/read")
        eventually(lambda: system.get("/v1/model", token).body.get("version") == wanted or None, "promoted model")
    return assembly


def _manifest(bundle: Path) -> dict[str, str]:
    return dict(json.loads((bundle / "manifest.json").read_bytes()))


def _golden(bundle: Path) -> tuple[bytes, str]:
    path = bundle / "golden" / "cnv.png"
    return path.read_bytes(), str(json.loads(path.with_suffix(".json").read_bytes())["label"])


def _event(scan: bytes) -> dict[str, object]:
    from lambda_src.handlers.selftest import event_of

    return event_of(scan)


def _expect(found: object, wanted: object) -> None:
    if found != wanted:
        raise RuntimeError(f"{wanted!r} was expected, and not {found!r}.")


if __name__ == "__main__":
    sys.exit(main())
