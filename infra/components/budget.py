"""A monthly budget that tells before it is spent."""

from aws_cdk import aws_budgets as budgets
from constructs import Construct

from infra.config import Environment

WARN_AT_PERCENT = 80


def monthly_budget(scope: Construct, id: str, *, env: Environment) -> budgets.CfnBudget | None:
    """A budget over the environment's tagged cost, with a forecast warning; None where nobody would be told."""
    if env.alarms.email is None:
        return None
    subscriber = budgets.CfnBudget.SubscriberProperty(subscription_type="EMAIL", address=env.alarms.email)
    return budgets.CfnBudget(
        scope,
        id,
        budget=budgets.CfnBudget.BudgetDataProperty(
            budget_type="COST",
            time_unit="MONTHLY",
            budget_limit=budgets.CfnBudget.SpendProperty(amount=env.alarms.monthly_budget_usd, unit="USD"),
            cost_filters={"TagKeyValue": [f"user:environment${env.name}"]},
        ),
        notifications_with_subscribers=[
            budgets.CfnBudget.NotificationWithSubscribersProperty(
                notification=budgets.CfnBudget.NotificationProperty(
                    comparison_operator="GREATER_THAN",
                    notification_type=kind,
                    threshold=WARN_AT_PERCENT,
                    threshold_type="PERCENTAGE",
                ),
                subscribers=[subscriber],
            )
            for kind in ("ACTUAL", "FORECASTED")
        ],
    )
