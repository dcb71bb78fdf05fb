"""One scan over HTTPS: the API, its login, its firewall, and the function behind an alias."""

import aws_cdk as cdk
from constructs import Construct

from infra.components.api import Api
from infra.components.firewall import Firewall
from infra.components.function import ImageFunction
from infra.components.grants import read_prefix, use_table, write_prefix
from infra.components.health import FunctionHealth
from infra.components.login import Login
from infra.components.rollout import Rollout
from infra.components.synthesizer import stack_props
from infra.config import BUNDLES_PREFIX, SUMMARIES_PREFIX, UPLOADS_PREFIX, Environment
from infra.stacks.model import ModelStack
from infra.stacks.storage import StorageStack
from infra.variables import API_SERVICE, variables


class InferenceStack(cdk.Stack):
    """The HTTPS door."""

    def __init__(self, scope: Construct, id: str, *, env: Environment, storage: StorageStack, model: ModelStack) -> None:
        super().__init__(scope, id, **stack_props(env))
        self.add_stack_dependency(model)
        buckets, key, size = storage.buckets, storage.key, env.api_function
        worker = ImageFunction(
            self,
            "Scans",
            env=env,
            command="lambda_src.handlers.api.handler",
            size=size,
            key=key,
            variables=variables(API_SERVICE, storage) | model.variables | _origins(env),
            description="Answers HTTPS",
        )
        read_prefix(worker.function, bucket=buckets.models, prefix=BUNDLES_PREFIX, key=key)
        read_prefix(worker.function, bucket=buckets.results, prefix=SUMMARIES_PREFIX, key=key)
        write_prefix(worker.function, bucket=buckets.scans, prefix=UPLOADS_PREFIX, key=key)
        use_table(worker.function, table=storage.table, key=key, actions=("GetItem", "PutItem"))
        rollout = Rollout(self, "Rollout", function=worker.function)
        self.alias = rollout.alias
        self.health = FunctionHealth(
            self, "Health", env=env, alias=self.alias, service=API_SERVICE, p99_ms=env.alarms.p99_ms, topic=storage.alerts
        )
        rollout.shift(env=env, alarms=self.health.alarms)
        login = Login(self, "Login", env=env)
        self.api = Api(self, "Api", env=env, target=self.alias, login=login, key=key)
        page = login.page_client(self.api.url)
        if env.firewall:
            Firewall(self, "Firewall", env=env, stage=self.api.rest.deployment_stage, key=key)
        cdk.CfnOutput(self, "Url", value=self.api.url)
        cdk.CfnOutput(self, "UserPool", value=login.pool.user_pool_id)
        cdk.CfnOutput(self, "TokenUrl", value=f"{login.domain.base_url()}/oauth2/token")
        cdk.CfnOutput(self, "SystemsClient", value=login.systems.user_pool_client_id)
        cdk.CfnOutput(self, "PageClient", value=page.user_pool_client_id)


def _origins(env: Environment) -> dict[str, str]:
    return {"OCT_CORS_ORIGINS": ",".join(env.api.cors_origins)} if env.api.cors_origins else {}
