"""Settings from the environment, read once by an entry point and passed on as a value."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

LAMBDA_MAX_BYTES = 4_000_000
"""Largest scan behind Lambda: 6 MB of request, less base64's third and the envelope."""


class Settings(BaseSettings):
    """Everything that a deployment can set; each name is the variable `OCT_` + the field in capitals."""

    model_config = SettingsConfigDict(
        env_prefix="OCT_", env_ignore_empty=True, frozen=True, extra="ignore", protected_namespaces=()
    )

    model_uri: str = "model_artifacts"
    """Folder or `s3://bucket/prefix` of the model bundle."""
    model_sha256: str | None = None
    """Expected sha256 of `model.onnx`; None accepts what the manifest says."""
    max_bytes: int = Field(default=20_000_000, gt=0)
    max_pixels: int = Field(default=40_000_000, gt=0)
    input_bucket: str | None = None
    input_prefix: str = ""
    """What the keys of scans in it begin with; objects elsewhere are let be."""
    results_bucket: str | None = None
    table: str | None = None
    queue_url: str | None = None
    hosts: str = ""
    """Further names that the plain server may be asked for, with commas between them."""

    cors_origins: str = ""
    """Origins of other pages whose scripts may ask behind Lambda, with commas between them; none by default."""

    @property
    def more_origins(self) -> tuple[str, ...]:
        """`cors_origins` as origins."""
        return _listed(self.cors_origins)

    @property
    def more_hosts(self) -> tuple[str, ...]:
        """`hosts` as names."""
        return _listed(self.hosts)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
