"""One dashboard: what comes in, what comes out, how fast, what waits, what failed."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.components.health import scans_metric
from infra.components.intake import Intake

OUTCOMES = ("Answered", "Deferred", "OutOfDistribution", "Ungradable")
CLASSES = ("CNV", "DME", "DRUSEN", "NORMAL")
PERCENTILES = ("p50", "p99")
STAGES = ("PrepareMs", "AnalyseMs")
_WIDTH = 12


def dashboard(
    scope: Construct, id: str, *, name: str, services: dict[str, lambda_.Alias], rest: apigateway.RestApi, intake: Intake
) -> cloudwatch.Dashboard:
    """Rows for each door, then the queue."""
    board = cloudwatch.Dashboard(scope, id, dashboard_name=name, default_interval=cdk.Duration.hours(12))
    for service, alias in services.items():
        board.add_widgets(
            _graph(f"{service}: outcomes", [scans_metric(service, outcome) for outcome in OUTCOMES]),
            _graph(f"{service}: classes", [scans_metric(service, name) for name in CLASSES]),
        )
        board.add_widgets(
            _graph(f"{service}: latency", [alias.metric_duration(statistic=p) for p in PERCENTILES]),
            _graph(f"{service}: distance from training", [scans_metric(service, "OodScore", statistic=p) for p in PERCENTILES]),
        )
        board.add_widgets(
            _graph(f"{service}: stages", [scans_metric(service, stage, statistic=p) for stage in STAGES for p in PERCENTILES]),
            _graph(f"{service}: errors, throttles", [alias.metric_errors(), alias.metric_throttles()]),
        )
    board.add_widgets(
        _graph("HTTPS", [rest.metric_count(), rest.metric_client_error(), rest.metric_server_error()]),
        _graph(
            "queue",
            [
                intake.queue.metric_approximate_number_of_messages_visible(),
                intake.queue.metric_approximate_age_of_oldest_message(),
                intake.dead_letters.metric_approximate_number_of_messages_visible(),
            ],
        ),
    )
    return board


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=_WIDTH)
