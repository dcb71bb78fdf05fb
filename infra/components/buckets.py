"""The buckets, and the rule that each of them keeps."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.components.encryption import removal
from infra.config import Environment
from infra.nag import accept

INCOMPLETE_UPLOAD_DAYS = 7
LOGS_DAYS = 365


class Buckets(Construct):
    """Scans, results, models, and the access logs of all three."""

    def __init__(self, scope: Construct, id: str, *, env: Environment, key: kms.IKey) -> None:
        super().__init__(scope, id)
        self._env = env
        self._key = key
        self.access_logs = s3.Bucket(
            self,
            "AccessLogs",
            encryption=s3.BucketEncryption.S3_MANAGED,
            **self._common(),
            lifecycle_rules=[
                s3.LifecycleRule(expiration=cdk.Duration.days(LOGS_DAYS), noncurrent_version_expiration=cdk.Duration.days(7))
            ],
        )
        self.scans = self._bucket("Scans")
        self.results = self._bucket("Results")
        self.models = self._bucket("Models")
        accept(
            self.access_logs,
            "S3 writes server access logs only to a bucket with S3's own keys (S3 User Guide, 'Enabling server access logging'), "
            "and a log bucket that logged itself would never stop.",
            "HIPAA.Security-S3DefaultEncryptionKMS",
            "HIPAA.Security-S3BucketLoggingEnabled",
            "AwsSolutions-S1",
        )
        accept(
            self,
            "One region by design: patient data stays in the region that the hospital chose. Versions are kept, and the restore "
            "drill is in the runbook.",
            "HIPAA.Security-S3BucketReplicationEnabled",
        )

    def _bucket(self, id: str) -> s3.Bucket:
        return s3.Bucket(
            self,
            id,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self._key,
            bucket_key_enabled=True,
            server_access_logs_bucket=self.access_logs,
            server_access_logs_prefix=f"{id.lower()}/",
            **self._common(),
            lifecycle_rules=[
                s3.LifecycleRule(
                    noncurrent_version_expiration=cdk.Duration.days(self._env.noncurrent_days),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(INCOMPLETE_UPLOAD_DAYS),
                )
            ],
        )

    def _common(self) -> dict[str, Any]:
        return {
            "versioned": True,
            "enforce_ssl": True,
            "minimum_tls_version": 1.2,
            "block_public_access": s3.BlockPublicAccess.BLOCK_ALL,
            "object_ownership": s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            "removal_policy": removal(self._env),
            "auto_delete_objects": self._env.empty_buckets and not self._env.keep_data,
        }
