"""Images are scanned for known holes as they are pushed."""

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from constructs import Construct

_Registry = ecr.CfnRegistryScanningConfiguration


def scan_images(scope: Construct, id: str) -> ecr.CfnRegistryScanningConfiguration:
    """Scan what a deploy pushes. The bootstrap's repository has no such setting of its own, so the account's registry has it."""
    deployed = _Registry.RepositoryFilterProperty(
        filter=f"cdk-{cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER}-container-assets-*", filter_type="WILDCARD"
    )
    rule = _Registry.ScanningRuleProperty(repository_filters=[deployed], scan_frequency="SCAN_ON_PUSH")
    return _Registry(scope, id, scan_type="BASIC", rules=[rule])
