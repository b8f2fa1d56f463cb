"""Every setting, read in one place: environment variables that begin with `DUIJIE_`."""

import os
import secrets
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

LOWEST_SECRET = 32


class Mode(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Review(StrEnum):
    NONE = "none"
    PLATFORM = "platform"


class LogFormat(StrEnum):
    CONSOLE = "console"
    JSON = "json"


class SettingsWrong(Exception):  # noqa: N818 -- it is shown to the person who starts the program
    """A setting is missing or cannot be used; the text says which and what to write."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="DUIJIE_", extra="ignore", frozen=True)

    mode: Mode = Mode.DEVELOPMENT
    home: Path = Path(".duijie")
    database_url: str | None = None
    secret: SecretStr | None = None
    public_url: str = "http://127.0.0.1:8000"
    smtp_url: str | None = None
    mail_from: str = "对接 Duijie <no-reply@duijie.example>"
    log_format: LogFormat | None = None
    log_level: str = "INFO"
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    trusted_proxies: str = "127.0.0.1"
    review: Review = Review.NONE
    freshness_days: Annotated[int, Field(ge=1, le=3650)] = 180
    pool_size: Annotated[int, Field(ge=2, le=200)] = 10
    request_deadline: Annotated[float, Field(gt=0, le=600)] = 8.0
    body_limit: Annotated[int, Field(ge=1024)] = 2 * 1024 * 1024
    upload_limit: Annotated[int, Field(ge=1024)] = 64 * 1024 * 1024
    attachment_limit: Annotated[int, Field(ge=1024)] = 20 * 1024 * 1024
    matches_per_minute: Annotated[int, Field(ge=1)] = 120
    requests_per_minute: Annotated[int, Field(ge=1)] = 6000
    sign_ins_per_quarter_hour: Annotated[int, Field(ge=1)] = 10
    rematch_scheduler: str | None = None

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("public_url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        """Links are made by writing a path behind it."""
        parts = urlsplit(value.strip())
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("write it as https://duijie.example.edu.cn")
        return value.strip().rstrip("/")

    @field_validator("database_url")
    @classmethod
    def _through_asyncpg(cls, value: str | None) -> str | None:
        if not value:
            return None
        scheme, _, rest = value.partition("://")
        if scheme not in {"postgresql", "postgres", "postgresql+asyncpg"} or not rest:
            raise ValueError("write it as postgresql+asyncpg://user:password@host/database")
        return f"postgresql+asyncpg://{rest}"

    @field_validator("rematch_scheduler")
    @classmethod
    def _of_a_cluster(cls, value: str | None) -> str | None:
        if not value:
            return None
        parts = urlsplit(value.strip())
        if parts.scheme not in {"tcp", "tls"} or not parts.hostname or not parts.port:
            raise ValueError("write it as tcp://10.0.0.1:8786, or leave it out to match on this machine")
        return value.strip()

    @model_validator(mode="after")
    def _secret_in_production(self) -> Self:
        given = self.secret.get_secret_value() if self.secret else ""
        if self.mode is Mode.PRODUCTION and len(given) < LOWEST_SECRET:
            raise ValueError(
                f"DUIJIE_SECRET must hold at least {LOWEST_SECRET} characters in production mode;"
                ' make one with: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
            )
        return self

    @property
    def format(self) -> LogFormat:
        return self.log_format or (LogFormat.JSON if self.mode is Mode.PRODUCTION else LogFormat.CONSOLE)

    def listening(self, port: int) -> Self:
        """Links begin with where this process listens, unless somebody said what they begin with."""
        if port == 0 or "public_url" in self.model_fields_set:
            return self
        return self.model_copy(update={"public_url": f"http://127.0.0.1:{port}"})

    def signing_key(self) -> bytes:
        """The key behind cursors. Development keeps one of its own beside its data."""
        if self.secret is not None and self.secret.get_secret_value():
            return self.secret.get_secret_value().encode()
        kept = self.home / "secret"
        if not kept.exists() or kept.stat().st_size == 0:
            _keep_a_secret(kept)
        return kept.read_bytes()


def _keep_a_secret(kept: Path) -> None:
    """Put one there whole: of two processes that start at once, neither goes by half of what the other writes."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    made = kept.with_name(f".{kept.name}-{secrets.token_hex(8)}")
    made.touch(mode=0o600)
    made.write_text(secrets.token_urlsafe(48))
    try:
        if kept.exists() and kept.stat().st_size == 0:
            kept.unlink()
        os.link(made, kept)
    except FileExistsError:
        pass
    finally:
        made.unlink()


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process."""
    try:
        return Settings()
    except ValidationError as error:
        lines = []
        for wrong in error.errors(include_input=False, include_url=False):
            name = "DUIJIE_" + "_".join(str(part) for part in wrong["loc"]).upper() if wrong["loc"] else ""
            lines.append(f"{name}: {wrong['msg']}".lstrip(": "))
        raise SettingsWrong("\n".join(lines)) from None
