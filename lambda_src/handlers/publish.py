"""Lambda's entry point for publishing a model bundle: CloudFormation's custom resource, and a step of the training workflow.

It fails, and with it the deploy, when the bundle is refused; the functions that would read it are then not touched.
"""

import json
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger

from lambda_src.aws.bundle import open_classifier
from lambda_src.aws.publish import fetch_archive, publish_bundle
from lambda_src.errors import OctError

logger = Logger(service="oct-publish")
RESPONSE_TIMEOUT_S = 10


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Publish the archive that the event names, and check what then lies in the bucket.

    Args:
        event: `Uri`, where the bundle belongs; `Archive`, its archive in S3, or "" if it is there already; `Sha256` of its model,
            or "". From CloudFormation these are the `ResourceProperties` (CloudFormation User Guide, "Custom resources").

    Returns:
        `Uri` and `Sha256` of the published bundle.

    Raises:
        BundleRefused: outside of CloudFormation; CloudFormation is told of it instead.
    """
    del context
    if "ResponseURL" not in event:
        return publish(event)
    try:
        # A bundle outlives the deploy that brought it: a rollback needs the one before.
        result = {} if event["RequestType"] == "Delete" else publish(event["ResourceProperties"])
        _answer(event, {"Status": "SUCCESS", "Data": result})
    except Exception as error:  # CloudFormation waits an hour for an answer that does not come
        logger.exception("The bundle was not published.")
        reason = error.detail if isinstance(error, OctError) else type(error).__name__
        _answer(event, {"Status": "FAILED", "Reason": reason})
        return {}
    return result


def publish(properties: dict[str, Any]) -> dict[str, Any]:
    """Put the archive in its place, if there is one, and load the bundle from there as the other functions will."""
    uri, expected = properties["Uri"], properties.get("Sha256") or None
    if properties.get("Archive"):
        with tempfile.TemporaryDirectory() as folder:
            fetch_archive(properties["Archive"], Path(folder))
            publish_bundle(Path(folder), uri, expected_sha256=expected)
    manifest = open_classifier(uri, expected).manifest
    logger.info("published", model=manifest.name, version=manifest.version)
    return {"Uri": uri, "Sha256": manifest.model.sha256}


def _answer(event: dict[str, Any], outcome: dict[str, Any]) -> None:
    """Tell CloudFormation, at the address that it gave."""
    properties = event.get("ResourceProperties", {})
    identity = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    physical = {"PhysicalResourceId": event.get("PhysicalResourceId", properties.get("Uri", "bundle"))}
    body = json.dumps(identity | physical | outcome).encode()
    request = urllib.request.Request(event["ResponseURL"], data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310 - CloudFormation's
    with urllib.request.urlopen(request, timeout=RESPONSE_TIMEOUT_S):  # noqa: S310 - own address
        pass
