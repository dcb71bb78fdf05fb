"""Alarms that belong to no single function: what was set aside, what waits, what fails at the gateway."""

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.components.alarm import alarm
from infra.components.intake import Intake
from infra.config import Environment

SERVER_ERRORS = 5
_MINUTES = cdk.Duration.minutes(5)


class QueueAlarms(Construct):
    """What a person must act on, beside the functions' own health."""

    def __init__(
        self, scope: Construct, id: str, *, env: Environment, intake: Intake, rest: apigateway.RestApi, topic: sns.ITopic
    ) -> None:
        super().__init__(scope, id)
        dead = intake.dead_letters.metric_approximate_number_of_messages_visible(period=_MINUTES, statistic="Maximum")
        age = intake.queue.metric_approximate_age_of_oldest_message(period=_MINUTES, statistic="Maximum")
        errors = rest.metric_server_error(period=_MINUTES, statistic="Sum")
        alarms = {
            "DeadLetters": (dead, 1, "Scans were set aside: `python -m lambda_src batch failed` names them."),
            "QueueAge": (age, env.alarms.oldest_message_s, "Scans wait too long: is the batch function throttled, or failing?"),
            "ServerErrors": (errors, SERVER_ERRORS, "The API answers 5xx: see the function's log."),
        }
        for name, (metric, threshold, text) in alarms.items():
            alarm(self, name, metric=metric, threshold=threshold, text=text, topic=topic)
