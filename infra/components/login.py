"""Who may ask: systems by client credentials, people by a login on the page."""

import aws_cdk as cdk
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from infra.components.encryption import removal
from infra.config import Environment
from infra.nag import accept

SCOPES = {"read": "Read own findings, jobs and the model's manifest", "write": "Send scans"}
RESOURCE_SERVER = "findings"
TOKEN_MINUTES = 60


class Login(Construct):
    """A user pool with one client for systems and one for the page."""

    def __init__(self, scope: Construct, id: str, *, env: Environment) -> None:
        super().__init__(scope, id)
        self.pool = cognito.UserPool(
            self,
            "Pool",
            self_sign_up_enabled=False,
            sign_in_aliases=cognito.SignInAliases(email=True),
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            mfa=cognito.Mfa.REQUIRED,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            password_policy=cognito.PasswordPolicy(
                min_length=12, require_digits=True, require_lowercase=True, require_symbols=True, require_uppercase=True
            ),
            feature_plan=cognito.FeaturePlan.PLUS if env.keep_data else cognito.FeaturePlan.ESSENTIALS,
            standard_threat_protection_mode=cognito.StandardThreatProtectionMode.FULL_FUNCTION if env.keep_data else None,
            deletion_protection=env.keep_data,
            removal_policy=removal(env),
        )
        if not env.keep_data:
            accept(
                self.pool,
                "Threat protection needs Cognito's Plus plan, paid by user; a sandbox holds no patient data and has no sign-up.",
                "AwsSolutions-COG3",
                "AwsSolutions-COG8",
            )
        scopes = {name: cognito.ResourceServerScope(scope_name=name, scope_description=text) for name, text in SCOPES.items()}
        self.server = self.pool.add_resource_server("Server", identifier=RESOURCE_SERVER, scopes=list(scopes.values()))
        self.scopes = [cognito.OAuthScope.resource_server(self.server, scope) for scope in scopes.values()]
        account = cdk.Stack.of(self).account
        self.domain = self.pool.add_domain(
            "Domain", cognito_domain=cognito.CognitoDomainOptions(domain_prefix=f"retinal-oct-{env.name}-{account}")
        )
        self.systems = self.pool.add_client(
            "Systems",
            generate_secret=True,
            o_auth=cognito.OAuthSettings(flows=cognito.OAuthFlows(client_credentials=True), scopes=self.scopes),
            access_token_validity=cdk.Duration.minutes(TOKEN_MINUTES),
            enable_token_revocation=True,
        )

    def page_client(self, url: str) -> cognito.UserPoolClient:
        """The page's client: authorization code with PKCE, so no secret in a browser."""
        return self.pool.add_client(
            "Page",
            generate_secret=False,
            prevent_user_existence_errors=True,
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                scopes=[cognito.OAuthScope.OPENID, *self.scopes],
                callback_urls=[url],
                logout_urls=[url],
            ),
            access_token_validity=cdk.Duration.minutes(TOKEN_MINUTES),
            id_token_validity=cdk.Duration.minutes(TOKEN_MINUTES),
            enable_token_revocation=True,
        )
