"""From a bucket to a queue: every object created in the scans bucket becomes a message; what keeps failing is set aside."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.config import Environment

VISIBILITY_TIMEOUTS = 6
"""A message is hidden for six timeouts and the batching window (Lambda Developer Guide, "Using Lambda with Amazon SQS")."""
KEPT_DAYS = 14


class Intake(Construct):
    """The queue of new scans with its dead-letter queue."""

    def __init__(self, scope: Construct, id: str, *, env: Environment, bucket: s3.Bucket) -> None:
        super().__init__(scope, id)
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(KEPT_DAYS),
        )
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(KEPT_DAYS),
            visibility_timeout=cdk.Duration.seconds(VISIBILITY_TIMEOUTS * env.batch_function.timeout_s + env.batch.window_s),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=env.batch.receives),
        )
        self._notify(bucket)

    def _notify(self, bucket: s3.Bucket) -> None:
        """Written into the bucket itself, since CDK's own way adds a function that may change every bucket's notifications.

        The queue's policy then can't name the bucket, which does not exist yet: it names this account.
        """
        allowed = self.queue.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self.queue.queue_arn],
                conditions={"StringEquals": {"aws:SourceAccount": cdk.Stack.of(self).account}},
            )
        )
        resource = bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)  # noqa: S101 - narrows jsii's union; a bucket's first child is its resource
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            queue_configurations=[s3.CfnBucket.QueueConfigurationProperty(event="s3:ObjectCreated:*", queue=self.queue.queue_arn)]
        )
        if allowed.policy_dependable is not None:
            resource.node.add_dependency(allowed.policy_dependable)
