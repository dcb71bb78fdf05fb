"""The regional REST API: the page for everybody, `/v1` for those with a token, every error a problem."""

import json

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as certificates
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.components.encryption import removal
from infra.components.gateway_errors import add_gateway_errors
from infra.components.login import RESOURCE_SERVER, Login
from infra.components.logs import log_group
from infra.config import CustomDomain, Environment
from infra.nag import accept

STAGE = "live"
TOKEN_CACHE_S = 300
HTTPS_PORT = 443
SCOPE_OF = {"GET": f"{RESOURCE_SERVER}/read", "POST": f"{RESOURCE_SERVER}/write"}
ACCESS_LOG = {
    "requestId": "$context.requestId",
    "time": "$context.requestTimeEpoch",
    "client": "$context.authorizer.claims.client_id",
    "method": "$context.httpMethod",
    "route": "$context.resourcePath",
    "status": "$context.status",
    "error": "$context.error.responseType",
    "latencyMs": "$context.responseLatency",
    "bytes": "$context.responseLength",
}
"""The route's template, never the path: an id or a key in a path can name a patient."""


class Api(Construct):
    """HTTPS in front of the function's alias."""

    def __init__(
        self, scope: Construct, id: str, *, env: Environment, target: lambda_.IFunction, login: Login, key: kms.IKey
    ) -> None:
        super().__init__(scope, id)
        logs = log_group(self, "AccessLogs", env=env, key=key)
        private = bool(env.api.private_endpoint_ids)
        domain = env.api.domain
        self.rest = apigateway.RestApi(
            self,
            "Rest",
            rest_api_name=f"retinal-oct-{env.name}",
            description="One OCT B-scan in, one finding out",
            binary_media_types=["*/*"],
            endpoint_configuration=_private(self, env.api.private_endpoint_ids)
            if private
            else apigateway.EndpointConfiguration(types=[apigateway.EndpointType.REGIONAL]),
            policy=_only_from(env.api.private_endpoint_ids) if private else None,
            disable_execute_api_endpoint=domain is not None,
            cloud_watch_role=True,
            cloud_watch_role_removal_policy=removal(env),
            deploy_options=apigateway.StageOptions(
                stage_name=STAGE,
                throttling_rate_limit=env.api.requests_per_s,
                throttling_burst_limit=env.api.burst,
                metrics_enabled=True,
                tracing_enabled=True,
                data_trace_enabled=False,
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                access_log_destination=apigateway.LogGroupLogDestination(logs),
                access_log_format=apigateway.AccessLogFormat.custom(json.dumps(ACCESS_LOG)),
            ),
        )
        self.url = self.rest.url if domain is None else f"https://{domain.name}/"
        # API Gateway makes this group itself otherwise, at the first error, without the key and without an end.
        own = log_group(self, "ErrorLogs", env=env, key=key, name=f"API-Gateway-Execution-Logs_{self.rest.rest_api_id}/{STAGE}")
        self.rest.deployment_stage.node.add_dependency(own)
        add_gateway_errors(self.rest)
        self._add_routes(apigateway.LambdaIntegration(target, proxy=True), login, preflight=bool(env.api.cors_origins))
        if domain is not None:
            self._add_domain(domain)
        _accept_for_the_api(self, self.rest)

    def _add_routes(self, integration: apigateway.LambdaIntegration, login: Login, *, preflight: bool) -> None:
        authorizer = apigateway.CognitoUserPoolsAuthorizer(
            self, "Tokens", cognito_user_pools=[login.pool], results_cache_ttl=cdk.Duration.seconds(TOKEN_CACHE_S)
        )
        page = [self.rest.root, self.rest.root.add_resource("{proxy+}")]
        for resource in page:
            method = resource.add_method("GET", integration)
            accept(
                method,
                "The page, its samples and the health checks load without a login; all are the same for everybody. What is "
                "somebody's lies under /v1, which needs a token.",
                "AwsSolutions-APIG4",
                "AwsSolutions-COG4",
            )
        routes = self.rest.root.add_resource("v1").add_resource("{proxy+}")
        for verb, scope in SCOPE_OF.items():
            routes.add_method(
                verb,
                integration,
                authorizer=authorizer,
                authorization_type=apigateway.AuthorizationType.COGNITO,
                authorization_scopes=[scope],
            )
        if preflight:  # the application answers it: the origins are its setting, and it also marks the answers themselves
            accept(
                routes.add_method("OPTIONS", integration),
                "A browser asks whether it may call before it sends a token; the answer names allowed origins only.",
                "AwsSolutions-APIG4",
                "AwsSolutions-COG4",
            )

    def _add_domain(self, domain: CustomDomain) -> None:
        """A name of its own, with mutual TLS where a trust store is named."""
        mtls = None
        if domain.truststore_s3_uri is not None:
            bucket, _, key = domain.truststore_s3_uri.removeprefix("s3://").partition("/")
            mtls = apigateway.MTLSConfig(bucket=s3.Bucket.from_bucket_name(self, "TrustStore", bucket), key=key)
        made = self.rest.add_domain_name(
            "Domain",
            domain_name=domain.name,
            certificate=certificates.Certificate.from_certificate_arn(self, "Certificate", domain.certificate_arn),
            security_policy=apigateway.SecurityPolicy.TLS_1_2,
            endpoint_type=apigateway.EndpointType.REGIONAL,
            mtls=mtls,
        )
        cdk.CfnOutput(self, "DomainTarget", value=made.domain_name_alias_domain_name, description="Where its DNS must point")


def _private(scope: Construct, endpoint_ids: tuple[str, ...]) -> apigateway.EndpointConfiguration:
    """Reached from the VPCs of these interface endpoints only."""
    endpoints = [
        ec2.InterfaceVpcEndpoint.from_interface_vpc_endpoint_attributes(
            scope, f"Endpoint{number}", vpc_endpoint_id=name, port=HTTPS_PORT
        )
        for number, name in enumerate(endpoint_ids)
    ]
    return apigateway.EndpointConfiguration(types=[apigateway.EndpointType.PRIVATE], vpc_endpoints=endpoints)


def _only_from(endpoint_ids: tuple[str, ...]) -> iam.PolicyDocument:
    """Only through the named VPC endpoints."""
    statement = iam.PolicyStatement(
        principals=[iam.AnyPrincipal()],
        actions=["execute-api:Invoke"],
        resources=["execute-api:/*"],
        conditions={"StringEquals": {"aws:SourceVpce": list(endpoint_ids)}},
    )
    return iam.PolicyDocument(statements=[statement])


def _accept_for_the_api(scope: Construct, rest: apigateway.RestApi) -> None:
    accept(
        rest,
        "The application checks every body by content and answers with its own problems; a JSON schema can't describe a scan.",
        "AwsSolutions-APIG2",
    )
    accept(
        rest,
        "A finding belongs to one caller and is computed from the body; a cache at the gateway could only serve it to another.",
        "HIPAA.Security-APIGWCacheEnabledAndEncrypted",
    )
    accept(
        rest,
        "The backend is Lambda, which API Gateway calls with its own signed credentials over TLS; there is no HTTP backend that "
        "a client certificate could prove itself to.",
        "HIPAA.Security-APIGWSSLEnabled",
    )
    accept(
        scope,
        "The role lets API Gateway write its logs; it is AWS's own policy for exactly that, and is one per account and region.",
        "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]",
    )
