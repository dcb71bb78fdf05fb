"""The topic that alarms go to."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.config import Environment


def alerts_topic(scope: Construct, id: str, *, env: Environment, key: kms.IKey) -> sns.Topic:
    """An encrypted topic that CloudWatch's alarms of this account may publish to, over TLS only."""
    topic = sns.Topic(scope, id, master_key=key, enforce_ssl=True, display_name=f"Retinal OCT {env.name}")
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions={"StringEquals": {"aws:SourceAccount": cdk.Stack.of(scope).account}},
        )
    )
    if env.alarms.email:
        topic.add_subscription(subscriptions.EmailSubscription(env.alarms.email))
    return topic
