"""The table of findings and jobs."""

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.components.encryption import removal
from infra.config import Environment
from infra.nag import accept


def findings_table(scope: Construct, id: str, *, env: Environment, key: kms.IKey) -> dynamodb.Table:
    """One table, string keys `pk` and `sk`, paid by request, restorable to any second of 35 days."""
    table = dynamodb.Table(
        scope,
        id,
        partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
        sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
        encryption_key=key,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True),
        time_to_live_attribute="expires",
        deletion_protection=env.keep_data,
        removal_policy=removal(env),
    )
    accept(
        table,
        "Point-in-time recovery restores any second of 35 days; every finding also lies in the versioned results bucket.",
        "HIPAA.Security-DynamoDBInBackupPlan",
    )
    return table
