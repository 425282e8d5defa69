"""The settings of the API: what belongs together is told together, and no secret is shown."""

from pathlib import Path

import pytest

from oma_poller.config import load_settings
from oma_poller.errors import UsageError


def refusal(monkeypatch: pytest.MonkeyPatch, **given: str) -> str:
    """Return why these variables are refused."""
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError) as caught:
        load_settings()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_api_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMA_API_LISTEN", "Off")
    assert load_settings().api.listen is None


def test_the_token_can_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("t0ken\n")
    monkeypatch.setenv("OMA_API_TOKEN_FILE", str(file))
    settings = load_settings()
    assert settings.api.token == "t0ken"  # noqa: S105 - made up
    assert "t0ken" not in repr(settings.api)
    file.write_text("two words")
    assert refusal(monkeypatch) == (
        "OMA_API_TOKEN_FILE: the token cannot be used; allowed is printable ASCII without blanks"
    )
    file.write_text("")
    assert refusal(monkeypatch).endswith("must hold the token and nothing else, on one line")
    file.unlink()
    assert refusal(monkeypatch) == f"OMA_API_TOKEN_FILE: cannot read {file}: No such file or directory"


def test_two_tokens_are_one_too_many(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = refusal(monkeypatch, OMA_API_TOKEN="s3cret", OMA_API_TOKEN_FILE=str(tmp_path / "x"))  # noqa: S106 - made up
    assert text == "OMA_API_TOKEN and OMA_API_TOKEN_FILE are both set; allowed is one of them"


def test_reading_cannot_need_a_token_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(monkeypatch, OMA_API_TOKEN_READ="true") == (  # noqa: S106 - no token
        "OMA_API_TOKEN_READ is true, but there is no token; set OMA_API_TOKEN or OMA_API_TOKEN_FILE"
    )


@pytest.mark.parametrize("hosts", ["http://oma", "oma:80", "*", "a b", "-"])
def test_a_host_is_a_name_and_nothing_else(monkeypatch: pytest.MonkeyPatch, hosts: str) -> None:
    assert refusal(monkeypatch, OMA_API_ALLOWED_HOSTS=hosts) == (
        f"OMA_API_ALLOWED_HOSTS is {hosts!r}; allowed is a list of host names with commas between,"
        " like oma.example.net,oma"
    )


def test_a_certificate_needs_its_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert refusal(monkeypatch, OMA_API_CERT_FILE=str(tmp_path / "cert")) == (
        "OMA_API_CERT_FILE and OMA_API_KEY_FILE belong together: one of them is missing"
    )


def test_files_that_are_no_certificate_are_told_at_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cert, key = tmp_path / "cert", tmp_path / "key"
    cert.write_text("no certificate")
    key.write_text("no key")
    text = refusal(monkeypatch, OMA_API_CERT_FILE=str(cert), OMA_API_KEY_FILE=str(key))
    assert text.startswith(f"OMA_API_CERT_FILE and OMA_API_KEY_FILE: {cert} and {key} cannot be used: ")
    assert text.endswith("allowed are a certificate and its key in PEM, without a password")
