"""How long a backfill takes and what it costs: `python -m tests.bench.backfill [SCANS] [CONCURRENCY]`.

A simulation, second by second, of the state machine over existing scans: children start as Lambda and Step Functions let
them, each works through its batch, S3 and DynamoDB admit only so many requests, some batches are tried again. Prices are AWS's
list prices for us-east-1 as of 2025; look them up before relying on them. Not included: storing the scans, data transfer out
of the region, logs.
"""

import math
import sys
from dataclasses import dataclass

# What one scan takes: measured on one busy core of a build machine, or counted in lambda_src/batch/worker.py.
CPU_MS_PER_SCAN = 25.0
"""CPU time of a JPEG: decode 1.0, prepare 2.8, run 5.7, five requests of boto3 12.2; rounded up."""
S3_READS, S3_WRITES = 2, 1
"""HEAD and GET of the scan; PUT of the result."""
DYNAMODB_READ_UNITS, DYNAMODB_WRITE_UNITS = 1.0, 2.0
"""A consistent read of nothing; a write of a finding of 1.2 to 2 kB."""
BATCH_OVERHEAD_MS = 150.0
"""Of a child: two transitions, the invocation, the first and the last requests that overlap nothing."""

# What AWS admits (service quotas of 2025; each can be raised).
S3_GETS_PER_S_AND_PREFIX, S3_PUTS_PER_S_AND_PREFIX = 5_500, 3_500
DYNAMODB_WRITES_PER_S = 40_000
LAMBDA_RAMP_PER_10_S = 1_000
CHILD_STARTS_PER_S = 1_000
COLD_START_S = 2.5

# List prices in US dollars.
LAMBDA_GB_S, LAMBDA_REQUEST = 1.66667e-5, 2.0e-7
S3_READ, S3_WRITE, S3_LIST_1000 = 4.0e-7, 5.0e-6, 5.0e-6
DYNAMODB_READ, DYNAMODB_WRITE = 1.25e-7, 6.25e-7
TRANSITION = 2.5e-5
SQS_REQUEST = 4.0e-7
TRANSITIONS_PER_CHILD = 4
"""Start, Classify, AllDone, Done of a STANDARD child."""


@dataclass(frozen=True)
class Plan:
    """A backfill. `prefixes`: how many key prefixes of the results S3 has split its load over."""

    scans: int
    concurrency: int
    items_per_batch: int = 32
    memory_gb: float = 1.769
    retried: float = 0.005
    prefixes: int = 1


@dataclass(frozen=True)
class Outcome:
    """Hours, and dollars by what they are for."""

    hours: float
    peak_scans_per_s: float
    bound_by: str
    costs: dict[str, float]

    @property
    def total(self) -> float:
        """Dollars in all."""
        return sum(self.costs.values())


def batch_s(plan: Plan) -> float:
    """Seconds of one warm invocation."""
    return (plan.items_per_batch * CPU_MS_PER_SCAN + BATCH_OVERHEAD_MS) / 1000


def simulate(plan: Plan) -> Outcome:
    """Work through the plan second by second."""
    limits = {
        "S3 reads": S3_GETS_PER_S_AND_PREFIX * plan.prefixes / S3_READS,
        "S3 writes": S3_PUTS_PER_S_AND_PREFIX * plan.prefixes / S3_WRITES,
        "DynamoDB writes": DYNAMODB_WRITES_PER_S / DYNAMODB_WRITE_UNITS,
        "child starts": float(CHILD_STARTS_PER_S * plan.items_per_batch),
    }
    narrowest = min(limits, key=lambda name: limits[name])
    left, second, peak, bound_by = plan.scans * (1 + plan.retried), 0, 0.0, "concurrency"
    while left > 0:
        running = min(plan.concurrency, LAMBDA_RAMP_PER_10_S * (1 + second // 10))
        wanted = 0.0 if second < COLD_START_S else running * plan.items_per_batch / batch_s(plan)
        done = min(wanted, limits[narrowest])
        if wanted > limits[narrowest]:
            bound_by = narrowest
        peak, left, second = max(peak, done), left - done, second + 1
    return Outcome(second / 3600, peak, bound_by, _costs(plan, peak))


def _costs(plan: Plan, peak: float) -> dict[str, float]:
    scans = plan.scans * (1 + plan.retried)
    batches = math.ceil(scans / plan.items_per_batch)
    # Where a limit holds the batches up, they wait, and waiting is paid for.
    held_up = max(1.0, plan.concurrency * plan.items_per_batch / batch_s(plan) / peak)
    return {
        "Lambda": batches * (batch_s(plan) * held_up * plan.memory_gb * LAMBDA_GB_S + LAMBDA_REQUEST)
        + min(plan.concurrency, batches) * COLD_START_S * plan.memory_gb * LAMBDA_GB_S,
        "S3": scans * (S3_READS * S3_READ + S3_WRITES * S3_WRITE) + plan.scans / 1000 * S3_LIST_1000,
        "DynamoDB": scans * (DYNAMODB_READ_UNITS * DYNAMODB_READ + DYNAMODB_WRITE_UNITS * DYNAMODB_WRITE),
        "Step Functions": batches * TRANSITIONS_PER_CHILD * TRANSITION,
    }


def sqs_instead(plan: Plan) -> float:
    """Dollars for queueing the same scans: one request to send each, and a receive and a delete for every ten."""
    return plan.scans * (1 + 2 / 10) * SQS_REQUEST


def report(plan: Plan) -> str:
    """One line on time and one on cost."""
    outcome = simulate(plan)
    costs = ", ".join(f"{name} {cost:,.0f}" for name, cost in outcome.costs.items())
    return (
        f"{plan.scans:,} scans, {plan.concurrency} at once, batches of {plan.items_per_batch}, {plan.prefixes} prefix(es): "
        f"{outcome.hours:.1f} h at {outcome.peak_scans_per_s:,.0f} scans/s (bound by {outcome.bound_by}), "
        f"${outcome.total:,.0f} ({costs}; a queue instead of Step Functions: {sqs_instead(plan):,.0f})"
    )


if __name__ == "__main__":
    SCANS = int(sys.argv[1]) if len(sys.argv) > 1 else 30_000_000
    for at_once in [int(sys.argv[2])] if len(sys.argv) > 2 else [50, 100, 500, 1000]:
        print(report(Plan(SCANS, at_once)))
    print(report(Plan(SCANS, 1000, prefixes=10)))
    print(report(Plan(SCANS, 100, items_per_batch=1)))
