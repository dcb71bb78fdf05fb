"""Environments that only tests have: each an option that neither of the two real ones uses. `python -m tests.infra.variants`."""

from dataclasses import replace
from pathlib import Path

import aws_cdk as cdk

from infra.app import build
from infra.config import SANDBOX, CustomDomain
from infra.model import model_in
from infra.nag import check

DOMAIN = CustomDomain(
    name="oct.clinic.example",
    certificate_arn="arn:aws:acm:eu-central-1:111122223333:certificate/c0ffee",
    truststore_s3_uri="s3://clinic-trust/roots/clients.pem",
)
ORIGINS = ("https://ward.example", "https://reading.example")
ENDPOINTS = ("vpce-0a1b2c3d", "vpce-4e5f6a7b")
VARIANTS = {
    "private": replace(SANDBOX, api=replace(SANDBOX.api, private_endpoint_ids=ENDPOINTS), architecture="arm64"),
    "domain": replace(SANDBOX, api=replace(SANDBOX.api, domain=DOMAIN, cors_origins=ORIGINS)),
}


if __name__ == "__main__":
    app = cdk.App(builtin_cloud_formation_validation=False)
    build(app, VARIANTS[app.node.try_get_context("environment")], model_in(Path(app.node.try_get_context("bundle"))))
    check(app)
    app.synth()
