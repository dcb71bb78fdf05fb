"""Metrics and alarms on one function: what rolls a deploy back, and what wakes a person."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.components.alarm import alarm
from infra.config import METRICS_NAMESPACE, Environment

PERIOD = cdk.Duration.minutes(1)
WINDOW = cdk.Duration.minutes(5)
FEWEST_SCANS = 20
"""A rate of fewer scans than this in five minutes says nothing."""


def scans_metric(service: str, name: str, *, statistic: str = "Sum", version: str | None = None) -> cloudwatch.Metric:
    """One of the application's own metrics (`lambda_src/aws/metrics.py`), of one version of the function or of all."""
    dimensions = {"service": service} | ({"version": version} if version else {})
    return cloudwatch.Metric(
        namespace=METRICS_NAMESPACE, metric_name=name, dimensions_map=dimensions, period=WINDOW, statistic=statistic
    )


def rate(service: str, name: str, version: str) -> cloudwatch.MathExpression:
    """Share of a version's scans with an outcome, 0 where there were too few to tell.

    Of one version, since a canary's tenth of the scans would hardly move the share of all.
    """
    return cloudwatch.MathExpression(
        expression=f"IF(FILL(scans, 0) >= {FEWEST_SCANS}, FILL(part, 0) / scans, 0)",
        using_metrics={
            "part": scans_metric(service, name, version=version),
            "scans": scans_metric(service, "Scans", version=version),
        },
        period=WINDOW,
        label=f"{name} / Scans",
    )


class FunctionHealth(Construct):
    """Errors and p99 behind one alias; deferral rate and out-of-distribution rate of the version that a deploy brings."""

    def __init__(
        self, scope: Construct, id: str, *, env: Environment, alias: lambda_.Alias, service: str, p99_ms: int, topic: sns.ITopic
    ) -> None:
        super().__init__(scope, id)
        limits, version = env.alarms, alias.version.version
        errors, p99 = alias.metric_errors(period=PERIOD), alias.metric_duration(period=WINDOW, statistic="p99")
        watched: dict[str, tuple[cloudwatch.IMetric, float, str]] = {
            "Errors": (errors, 1, "The function fails: see its log, then roll back."),
            "P99": (p99, p99_ms, "Scans are answered slowly."),
        }
        if env.rate_alarms:
            deferred, foreign = rate(service, "Deferred", version), rate(service, "OutOfDistribution", version)
            watched["Deferrals"] = (deferred, limits.deferral_rate, "Too many scans are deferred: model or scanner?")
            watched["OutOfDistribution"] = (foreign, limits.ood_rate, "Too many scans look foreign.")
        self.alarms = [
            alarm(self, name, metric=metric, threshold=threshold, text=text, topic=topic)
            for name, (metric, threshold, text) in watched.items()
        ]
