"""Log groups: encrypted, with an end."""

from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.components.encryption import removal
from infra.config import Environment

_DAYS = {30: logs.RetentionDays.ONE_MONTH, 365: logs.RetentionDays.ONE_YEAR}


def log_group(scope: Construct, id: str, *, env: Environment, key: kms.IKey, name: str | None = None) -> logs.LogGroup:
    """A log group under the data key, kept for the environment's days."""
    return logs.LogGroup(
        scope,
        id,
        log_group_name=name,
        encryption_key=key,
        retention=_DAYS[env.log_retention_days],
        removal_policy=removal(env),
    )
