"""The client against servers that speak TLS."""

from pathlib import Path

import pytest
from key_views import one_key
from loopback_certificates import Authority
from loopback_vma import PATIENCE_S, ask, client, vma

from oma_poller.errors import UsageError
from oma_poller.model.reading import Failure, FailureKind, Reading
from oma_poller.vma.address import check_target
from oma_poller.vma.health import probe
from oma_poller.vma.target import VmaTarget


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ca")


def kind_of(outcome: object) -> FailureKind:
    assert isinstance(outcome, Failure), outcome
    return outcome.kind


def test_a_server_signed_by_the_named_ca_is_trusted(authority: Authority) -> None:
    with vma(tls=authority.server(authority.issue("server"))) as server:
        got = ask(VmaTarget("v", server.url, ca_file=authority.cert_file))
        assert isinstance(got.outcome, Reading), got.outcome


def test_a_server_signed_by_an_unknown_ca_is_refused(authority: Authority, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger")
    with vma(tls=authority.server(authority.issue("server"))) as server:
        for target in (VmaTarget("v", server.url), VmaTarget("v", server.url, ca_file=stranger.cert_file)):
            assert kind_of(ask(target).outcome) is FailureKind.TLS
        assert server.requests == []


def test_a_server_with_another_hosts_name_is_refused(authority: Authority) -> None:
    with vma(tls=authority.server(authority.issue("server", host="other.example"))) as server:
        got = ask(VmaTarget("v", server.url, ca_file=authority.cert_file))
        assert kind_of(got.outcome) is FailureKind.TLS
        assert server.requests == []


def test_a_client_certificate_is_given_where_one_is_asked_for(authority: Authority) -> None:
    mine = authority.issue("client")
    with vma(tls=authority.server(authority.issue("server"), ask_client=True)) as server:
        given = VmaTarget(
            "v", server.url, ca_file=authority.cert_file, cert_file=mine.cert_file, key_file=mine.key_file
        )
        assert isinstance(ask(given).outcome, Reading)
        missing = VmaTarget("v", server.url, ca_file=authority.cert_file)
        assert kind_of(ask(missing).outcome) is FailureKind.TLS


def test_https_to_a_server_that_speaks_plain_http_is_a_tls_failure() -> None:
    with vma() as server:
        got = ask(VmaTarget("v", server.url.replace("http://", "https://")))
        assert kind_of(got.outcome) is FailureKind.TLS


def test_tls_connections_are_kept(authority: Authority) -> None:
    with vma(tls=authority.server(authority.issue("server"))) as server:
        target = VmaTarget("v", server.url, ca_file=authority.cert_file)
        with client(target, max_in_flight=3) as (fetcher, answers):
            fetcher.submit([one_key("v", f"k{n}", n) for n in range(50)])
            assert all(isinstance(got.outcome, Reading) for got in answers.wait(50))
        assert server.connections <= 3


def test_the_health_of_a_vma_is_asked_with_its_credentials(authority: Authority) -> None:
    mine = authority.issue("client")
    with vma(tls=authority.server(authority.issue("server"), ask_client=True)) as server:
        target = VmaTarget(
            "v", server.url, ca_file=authority.cert_file, cert_file=mine.cert_file, key_file=mine.key_file
        )
        assert probe(target, PATIENCE_S).status == "Streaming"


def test_a_key_that_is_not_the_certificates_own_is_told_at_the_start(authority: Authority) -> None:
    mine, other = authority.issue("mine"), authority.issue("other")
    with pytest.raises(UsageError, match="its own unencrypted private key"):
        check_target(VmaTarget("v", "https://vma", cert_file=mine.cert_file, key_file=other.key_file))
