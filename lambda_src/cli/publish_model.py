"""`python -m lambda_src publish-model`: a bundle into the model bucket, under its version, for a deploy that names it."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lambda_src.aws.bundle import open_classifier
from lambda_src.aws.publish import bundle_prefix, publish_bundle
from lambda_src.classifier import load_classifier
from lambda_src.errors import BundleRefused, problem

if TYPE_CHECKING:
    from argparse import _SubParsersAction

EXIT_OK = 0
EXIT_REFUSED = 2


def add_publish_model(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its arguments."""
    command = commands.add_parser("publish-model", help="put a checked model bundle into the model bucket; prints its name")
    command.add_argument(
        "--bundle", type=Path, default=Path("model_artifacts"), help="folder of the bundle (default: model_artifacts)"
    )
    command.add_argument("--bucket", required=True, help="the model bucket: output ModelsBucketName of the storage stack")
    command.set_defaults(run=_publish_model)


def _publish_model(options: argparse.Namespace) -> int:
    try:
        prefix = bundle_prefix(load_classifier(options.bundle).manifest)
        uri = f"s3://{options.bucket}/{prefix}"
        sha256 = publish_bundle(options.bundle, uri).model.sha256
        open_classifier(uri, sha256)  # what lies there is what the functions will read
    except BundleRefused as error:
        print(json.dumps(problem(error), ensure_ascii=False), file=sys.stderr)
        return EXIT_REFUSED
    print(f"{prefix}@{sha256}")
    return EXIT_OK
