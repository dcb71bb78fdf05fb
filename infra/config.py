"""Environments as data. A switch that differs between two accounts is a field here, never an `if` on a name elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

EMULATOR_LACKS = MappingProxyType(
    {
        "canary": "CodeDeploy: the alias moves at once",
        "firewall": "WAF association and logging",
        "budget": "AWS Budgets",
        "rate_alarms": "alarms on metric math: deferral and out-of-distribution rate",
        "image_scan": "ECR's scanning configuration of the registry",
        "delivery": "IAM's OIDC provider for CI",
        "training": "SageMaker jobs as a Step Functions task",
        "empty_buckets": "the SDK in CDK's own function that empties buckets: the rehearsal empties them itself",
    }
)
"""What `-c emulator=true` leaves out, and nothing else: the rehearsal prints this table."""

UPLOADS_PREFIX = "uploads/"
"""Scans uploaded through the API. The rest of the input bucket is scans too, under whatever key they were dropped."""
RESULTS_PREFIX = "findings/"
SUMMARIES_PREFIX = "summaries/"
BUNDLES_PREFIX = "bundles/"
METRICS_NAMESPACE = "RetinalOCT"


@dataclass(frozen=True, kw_only=True)
class FunctionSize:
    """Size of one Lambda function; 1,769 MiB is one full vCPU."""

    memory_mib: int
    timeout_s: int
    reserved_concurrency: int | None = None


@dataclass(frozen=True, kw_only=True)
class CustomDomain:
    """A name of the hospital's own, with mutual TLS where a trust store is named."""

    name: str
    certificate_arn: str
    truststore_s3_uri: str | None = None


@dataclass(frozen=True, kw_only=True)
class ApiLimits:
    """How much HTTPS traffic is let in, and from where.

    Raises:
        ValueError: a private endpoint and a custom domain: API Gateway has no regional name for a private API.
    """

    requests_per_s: int
    burst: int
    requests_per_client_per_5_min: int
    cors_origins: tuple[str, ...] = ()
    private_endpoint_ids: tuple[str, ...] = ()
    domain: CustomDomain | None = None

    def __post_init__(self) -> None:
        if self.private_endpoint_ids and self.domain is not None:
            raise ValueError(
                f"An API is private (endpoints {', '.join(self.private_endpoint_ids)}) or has a custom domain "
                f"({self.domain.name}), not both; leave one out."
            )


@dataclass(frozen=True, kw_only=True)
class BatchLimits:
    """How the queue feeds the batch function."""

    messages: int
    window_s: int
    max_concurrency: int
    receives: int = 5


@dataclass(frozen=True, kw_only=True)
class Alarms:
    """What wakes a person, and at which value."""

    p99_ms: int
    deferral_rate: float
    ood_rate: float
    oldest_message_s: int
    email: str | None = None
    monthly_budget_usd: int = 50


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One deployment of the whole system."""

    name: str
    keep_data: bool
    log_retention_days: int
    noncurrent_days: int
    api: ApiLimits
    api_function: FunctionSize
    batch_function: FunctionSize
    batch: BatchLimits
    alarms: Alarms
    architecture: Literal["x86_64", "arm64"] = "x86_64"
    canary: Literal["CANARY_10_PERCENT_5_MINUTES", "CANARY_10_PERCENT_15_MINUTES"] | None = "CANARY_10_PERCENT_5_MINUTES"
    firewall: bool = True
    budget: bool = True
    rate_alarms: bool = True
    image_scan: bool = True
    training: bool = True
    empty_buckets: bool = True
    approval: bool = False
    repository: str | None = None
    emulator: bool = False


SANDBOX = Environment(
    name="sandbox",
    keep_data=False,
    log_retention_days=30,
    noncurrent_days=7,
    api=ApiLimits(requests_per_s=20, burst=40, requests_per_client_per_5_min=1_000),
    # No reservation: a new account's quota of concurrent executions may be 10, and Lambda then refuses any.
    api_function=FunctionSize(memory_mib=1_769, timeout_s=29),
    batch_function=FunctionSize(memory_mib=1_769, timeout_s=120),
    batch=BatchLimits(messages=10, window_s=1, max_concurrency=2),
    alarms=Alarms(p99_ms=5_000, deferral_rate=0.25, ood_rate=0.25, oldest_message_s=1_800),
)

PRODUCTION = Environment(
    name="production",
    keep_data=True,
    log_retention_days=365,
    noncurrent_days=90,
    api=ApiLimits(requests_per_s=200, burst=400, requests_per_client_per_5_min=20_000),
    api_function=FunctionSize(memory_mib=1_769, timeout_s=29, reserved_concurrency=200),
    batch_function=FunctionSize(memory_mib=1_769, timeout_s=120, reserved_concurrency=100),
    batch=BatchLimits(messages=32, window_s=5, max_concurrency=90),
    alarms=Alarms(p99_ms=3_000, deferral_rate=0.15, ood_rate=0.15, oldest_message_s=3_600, monthly_budget_usd=1_000),
    canary="CANARY_10_PERCENT_15_MINUTES",
    approval=True,
)

ENVIRONMENTS: Mapping[str, Environment] = MappingProxyType({env.name: env for env in (SANDBOX, PRODUCTION)})


def environment(name: str, *, emulator: bool = False, repository: str | None = None, email: str | None = None) -> Environment:
    """The environment of a name, with what a command line may add to it.

    Args:
        emulator: leave out `EMULATOR_LACKS`.
        repository: `OWNER/NAME` on GitHub whose CI may deploy; None makes no role for CI.
        email: who receives the alarms.

    Raises:
        ValueError: there is no such environment.
    """
    if name not in ENVIRONMENTS:
        raise ValueError(f"There is no environment '{name}'; choose one of: {', '.join(ENVIRONMENTS)}.")
    chosen = ENVIRONMENTS[name]
    chosen = replace(chosen, repository=repository, alarms=replace(chosen.alarms, email=email))
    if emulator:
        chosen = replace(chosen, emulator=True, canary=None, repository=None, firewall=False, budget=False, rate_alarms=False)
        chosen = replace(chosen, training=False, empty_buckets=False, image_scan=False)
    return chosen
