"""The settings of the API: what belongs together is checked together."""

import ssl
from pathlib import Path

from oma_poller.config.variables import Variables
from oma_poller.errors import UsageError
from oma_poller.secret_file import read_secret
from oma_poller.web.settings import ApiSettings

_FILES = "OMA_API_CERT_FILE and OMA_API_KEY_FILE"
_ALLOWED_IN_TOKEN = "printable ASCII without blanks"  # noqa: S105 - what a token may hold, no token


def read_api(variables: Variables) -> ApiSettings:
    """Return the settings of the API. Raises UsageError in one line for what is wrong or does not fit."""
    token = _token(variables)
    if variables.oma_api_token_read and token is None:
        raise UsageError(
            "OMA_API_TOKEN_READ is true, but there is no token; set OMA_API_TOKEN or OMA_API_TOKEN_FILE"
        )
    cert, key = variables.oma_api_cert_file, variables.oma_api_key_file
    _check_certificate(cert, key)
    return ApiSettings(
        listen=variables.oma_api_listen,
        token=token,
        token_for_reading=variables.oma_api_token_read,
        cert_file=cert,
        key_file=key,
        allowed_hosts=variables.oma_api_allowed_hosts,
        metrics_per_job=variables.oma_metrics_per_job,
    )


def _token(variables: Variables) -> str | None:
    file = variables.oma_api_token_file
    if file is None:
        return variables.oma_api_token
    if variables.oma_api_token is not None:
        raise UsageError("OMA_API_TOKEN and OMA_API_TOKEN_FILE are both set; allowed is one of them")
    token = read_secret("OMA_API_TOKEN_FILE", "the token", file)
    if not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(f"OMA_API_TOKEN_FILE: the token cannot be used; allowed is {_ALLOWED_IN_TOKEN}")
    return token


def _check_certificate(cert: Path | None, key: Path | None) -> None:
    """Load both as the server will, so that a wrong file is told at the start."""
    if cert is None and key is None:
        return
    if cert is None or key is None:
        raise UsageError(f"{_FILES} belong together: one of them is missing")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(cert, key, password=_no_password)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = error.reason if isinstance(error, ssl.SSLError) and error.reason else None
        reason = reason or (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UsageError(
            f"{_FILES}: {cert} and {key} cannot be used: {reason};"
            " allowed are a certificate and its key in PEM, without a password"
        ) from None


def _no_password() -> str:
    """Say that there is no password, where OpenSSL would ask on the terminal."""
    raise ValueError("the key has a password")
