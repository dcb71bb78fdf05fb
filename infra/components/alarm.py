"""What every alarm has: it fires at once, tells the topic, and names its part of the runbook."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct


def alarm(
    scope: Construct, id: str, *, metric: cloudwatch.IMetric, threshold: float, text: str, topic: sns.ITopic
) -> cloudwatch.Alarm:
    """An alarm at or above a threshold in one period; no data is no alarm.

    Args:
        id: also the name in the README's runbook.
        text: what happened, and the first thing to do, in a sentence.
    """
    made = cloudwatch.Alarm(
        scope,
        id,
        metric=metric,
        threshold=threshold,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        alarm_description=f"{text} Runbook: README, '{id}'.",
    )
    made.add_alarm_action(actions.SnsAction(topic))
    return made
