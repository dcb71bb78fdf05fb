"""How the stacks of an environment are deployed."""

from typing import Any

import aws_cdk as cdk

from infra.config import Environment


def stack_props(env: Environment) -> dict[str, Any]:
    """Properties that every stack of the environment shares.

    The emulator checks IAM but not the bootstrap roles' trust, so there the command line's own credentials deploy.
    """
    return {
        "synthesizer": cdk.CliCredentialsStackSynthesizer() if env.emulator else cdk.DefaultStackSynthesizer(),
        "tags": {"application": "retinal-oct", "environment": env.name},
        "termination_protection": env.keep_data,
    }
