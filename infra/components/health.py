"""Metrics and alarms on one function: what rolls a deploy back, and what wakes a person."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.config import METRICS_NAMESPACE, Environment

PERIOD = cdk.Duration.minutes(1)
WINDOW = cdk.Duration.minutes(5)
FEWEST_SCANS = 20
"""A rate of fewer scans than this in five minutes says nothing."""


def scans_metric(service: str, name: str, period: cdk.Duration = WINDOW, statistic: str = "Sum") -> cloudwatch.Metric:
    """One of the application's own metrics (`lambda_src/aws/metrics.py`)."""
    return cloudwatch.Metric(
        namespace=METRICS_NAMESPACE, metric_name=name, dimensions_map={"service": service}, period=period, statistic=statistic
    )


def rate(service: str, name: str) -> cloudwatch.MathExpression:
    """Share of scans with an outcome, 0 where there were too few to tell."""
    return cloudwatch.MathExpression(
        expression=f"IF(FILL(scans, 0) >= {FEWEST_SCANS}, FILL(part, 0) / scans, 0)",
        using_metrics={"part": scans_metric(service, name), "scans": scans_metric(service, "Scans")},
        period=WINDOW,
        label=f"{name} / Scans",
    )


class FunctionHealth(Construct):
    """Errors, p99, deferral rate and out-of-distribution rate behind one alias."""

    def __init__(
        self, scope: Construct, id: str, *, env: Environment, alias: lambda_.Alias, service: str, p99_ms: int, topic: sns.ITopic
    ) -> None:
        super().__init__(scope, id)
        self._topic = topic
        limits = env.alarms
        self.alarms = [
            self._alarm("Errors", alias.metric_errors(period=PERIOD), 1, "The function fails: see its log, then roll back."),
            self._alarm("P99", alias.metric_duration(period=WINDOW, statistic="p99"), p99_ms, "Scans are answered slowly."),
        ]
        if env.rate_alarms:
            deferred, foreign = rate(service, "Deferred"), rate(service, "OutOfDistribution")
            self.alarms += [
                self._alarm("Deferrals", deferred, limits.deferral_rate, "Too many scans are deferred: model or scanner?"),
                self._alarm("OutOfDistribution", foreign, limits.ood_rate, "Too many scans look foreign."),
            ]

    def _alarm(self, id: str, metric: cloudwatch.IMetric, threshold: float, text: str) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            id,
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=f"{text} Runbook: README, '{id}'.",
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))
        return alarm
