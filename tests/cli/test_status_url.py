"""`status`, `explain` and `exports` with `--url`: they ask the OMA API of a running poller."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest
from api_world import ApiWorld, api_world, moves, sqlite_oma, volume_of
from command_result import CommandResult
from loopback_certificates import Authority
from patience import PATIENCE_S
from scripted_vma import ScriptedVma

from oma_poller.cli import api_client, status_source
from oma_poller.cli.api_client import ApiClient
from oma_poller.cli.quantities import human_bytes
from oma_poller.errors import ApiUnavailableError

Command = Callable[..., CommandResult]
TOKEN = "a-t0ken-for-this-test"  # noqa: S105 - made up
HARMFUL = "web\x1b[2J<script>"
EXPORT = f"migration-vol-{volume_of('a/b')}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    """Return a program that watches two jobs, and wants a token for everything."""
    folder = tmp_path_factory.mktemp("url")
    oma = sqlite_oma(folder)
    oma.add_job("a/b", volume_of("a/b"), source_vm_name=HARMFUL, created_at="2026-01-02 00:00:00")
    oma.add_job("job-2", created_at="2026-01-01 00:00:00")
    vma = ScriptedVma()
    moves(vma, "a/b", 2**29, 2**30)
    settings = {"OMA_API_TOKEN": TOKEN, "VMA_PROGRESS_STALL_AFTER": "1h", "VMA_PROGRESS_MAX_ERRORS": "1"}
    with api_world(folder, oma, vma, **settings) as made:
        made.wait_for("a/b", percent=50, observation="fresh")
        made.wait_for("job-2", observation="parked")
        yield made


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMA_API_TOKEN", TOKEN)


@contextmanager
def answering(reply: bytes, context: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """Answer each request with the same bytes; yield host and port, and what was asked."""
    asked: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with suppress(OSError), connection:
                    way = context.wrap_socket(connection, server_side=True) if context else connection
                    asked.append(way.recv(65536))
                    way.sendall(reply)
                    way.shutdown(socket.SHUT_WR)
                    way.recv(65536)
                    way.close()

    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}", asked
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE_S)
        listener.close()


def http(status: str, body: bytes = b"", media_type: str = "application/json", more: str = "") -> bytes:
    """Return a reply as it goes over the wire."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def test_the_jobs_of_a_poller_are_shown_as_those_of_a_database_are(world: ApiWorld, command: Command) -> None:
    status, out, err = command("status", "--url", world.url)
    assert (status, err) == (0, "")
    assert "a/b" in out
    assert "50.00 %" in out
    assert f"{human_bytes(2**29)} of {human_bytes(2**30)}" in out
    assert "\x1b" not in out
    assert "parked after errors" in out


def test_the_document_has_the_fields_of_the_one_of_a_database(
    world: ApiWorld, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = command("status", "--json", "--url", world.url).document
    monkeypatch.setenv("OMA_DATABASE_URL", world.oma.url)
    read = command("status", "--json").document
    assert set(asked) == {*read, "url"}
    assert (asked["database"], asked["url"]) == (None, world.url.rstrip("/"))
    assert asked["total"] == 2
    assert all(one.keys() == asked["jobs"][0].keys() for one in read["jobs"])
    for name in ("job_id", "name", "status", "observation", "error_message"):
        assert [one[name] for one in asked["jobs"]] == [one[name] for one in read["jobs"]]
    for name in ("percent", "bytes_transferred", "total_bytes"):
        assert asked["jobs"][0][name] == read["jobs"][0][name]
        assert asked["jobs"][1][name] is None, "nobody has told, whatever stands in the row"


def test_more_jobs_than_a_page_holds_are_asked_for_page_by_page(
    world: ApiWorld, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_source, "_MOST_ROWS", 1)
    jobs = command("status", "--json", "--url", world.url).document["jobs"]
    assert [job["job_id"] for job in jobs] == ["a/b", "job-2"]
    one = command("status", "--json", "--limit", "1", "--url", world.url).document
    assert ([job["job_id"] for job in one["jobs"]], one["total"]) == (["a/b"], 2)


def test_exports_and_explanations_are_those_of_the_poller(world: ApiWorld, command: Command) -> None:
    assert command("exports", "a/b", "--url", world.url) == (0, f"{EXPORT}\n", "")
    told = {"job_id": "a/b", "nbd_export_names": [EXPORT]}
    assert command("exports", "a/b", "--json", "--url", world.url).document == told
    assert command("exports", "job-2", "--url", world.url).err == "no disk of this job has a volume yet\n"
    status, out, err = command("explain", "a/b", "--url", world.url)
    assert (status, err) == (0, "")
    assert out.startswith("Job a/b (web\\x1b[2J<script>), status ")
    assert f"  {EXPORT}: in_progress, phase Transfer, 536870912 of 1073741824 bytes" in out
    account = command("explain", "a/b", "--json", "--url", world.url).document
    assert account["keys"][0]["key"] == EXPORT
    assert account["decided"]["state"] == "replicating"


@pytest.mark.parametrize("arguments", [["explain"], ["exports"]])
def test_an_unknown_job_is_one_line(world: ApiWorld, command: Command, arguments: list[str]) -> None:
    result = command(*arguments, "job-9", "--url", world.url)
    assert (result.status, result.out) == (1, "")
    assert result.complaint == f"{world.url.rstrip('/')}: job 'job-9' is not in replication_jobs"


def test_what_is_no_job_id_is_refused_by_the_api(world: ApiWorld, command: Command) -> None:
    for job_id in ("", "a\nb", "\udcff"):
        result = command("exports", job_id, "--url", world.url)
        assert (result.status, result.out) == (1, "")
        assert "this is no job id; allowed are 1 to 255 characters" in result.complaint


def test_without_the_token_it_is_told_what_to_set(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"OMA_API_TOKEN": TOKEN, "OMA_API_TOKEN_READ": "true"}
    with api_world(tmp_path, sqlite_oma(tmp_path), ScriptedVma(), **settings) as world:
        assert command("status", "--url", world.url).out.strip() == "no job to show"
        monkeypatch.delenv("OMA_API_TOKEN")
        place = world.url.rstrip("/")
        result = command("status", "--url", world.url)
        assert (result.status, result.out) == (1, "")
        advice = "set OMA_API_TOKEN or OMA_API_TOKEN_FILE"
        assert result.complaint == f"{place}: the bearer token is missing; {advice}"
        (tmp_path / "token").write_text(f"{TOKEN}\n")
        monkeypatch.setenv("OMA_API_TOKEN_FILE", str(tmp_path / "token"))
        assert command("status", "--url", world.url).status == 0
        monkeypatch.delenv("OMA_API_TOKEN_FILE")
        monkeypatch.setenv("OMA_API_TOKEN", "wr0ng")
        result = command("status", "--url", world.url)
        assert result.complaint == f"{place}: the bearer token is wrong; {advice}"


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("127.0.0.1:8082", "--url is '127.0.0.1:8082'"),
        ("ftp://oma", "--url is 'ftp://oma'"),
        ("http://", "--url is 'http://'"),
        ("http://oma:0", "--url is 'http://oma:0'"),
        ("http://oma:99999", "--url is no URL"),
        ("http://[::1", "--url is no URL"),
        ("http://o ma", "--url is 'http://o ma'"),
        ("http://żółw", "--url is 'http://żółw'"),
        ("http://a\x1bb", "--url is 'http://a\\x1bb'"),
        ("http://me:s3cret@oma", "--url holds a user or password"),
        ("http://oma/api", "--url has more than an address"),
        ("http://oma/?a=1", "--url has more than an address"),
    ],
)
def test_what_is_no_address_is_one_line(command: Command, url: str, line: str) -> None:
    result = command("status", "--url", url)
    assert (result.status, result.out) == (2, "")
    assert result.complaint == f"{line}; allowed is http://HOST:PORT or https://HOST:PORT"


def test_what_the_api_does_not_have_is_not_asked_of_it(command: Command) -> None:
    assert command("status", "--all", "--url", "http://oma").complaint.startswith("--all is of the database")
    saved = command("explain", "job-1", "--save", "x", "--url", "http://oma")
    assert (saved.status, saved.complaint.startswith("--save writes what the database has")) == (2, True)


def test_nobody_there_is_one_line(command: Command) -> None:
    result = command("status", "--url", "http://127.0.0.1:1")
    assert (result.status, result.out) == (1, "")
    assert result.complaint == "http://127.0.0.1:1 cannot be reached: Connection refused"


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        (http("200 OK", b"<h1>", "text/html"), "is not the OMA API: it answers HTTP 200 with text/html"),
        (
            http("404 Not Found", b"no", "text/plain"),
            "is not the OMA API: it answers HTTP 404 with text/plain",
        ),
        (http("500 Oops", b"[]", "application/problem+json"), "is not the OMA API: it answers HTTP 500"),
        (http("302 Found", more="Location: http://elsewhere/\r\n"), "leads elsewhere (HTTP 302)"),
        (http("200 OK", b"{"), "is not the OMA API, or one of another version: "),
        (http("200 OK", b'{"total":1}'), "is not the OMA API, or one of another version: "),
        (http("200 OK", b'{"total":1,"jobs":[{"job_id":"\x1b"}]}'), "is not the OMA API, or one of another"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "is not the OMA API: BadStatusLine"),
        (b"", "cannot be reached: "),
        (http("200 OK", b"{}")[:-1], "is not the OMA API"),
    ],
)
def test_another_program_is_one_line(command: Command, reply: bytes, line: str) -> None:
    with answering(reply) as (place, asked):
        result = command("status", "--url", f"http://{place}")
    assert (result.status, result.out) == (1, "")
    assert line in result.complaint
    assert TOKEN not in result.err
    assert asked[0].startswith(b"GET /api/v1/progress?limit=100&offset=0 HTTP/1.1\r\n")


def test_an_answer_that_is_too_large_is_not_read_to_its_end(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_client, "LARGEST_ANSWER_BYTES", 2**20)
    with answering(http("200 OK", b" " * 2**21)) as (place, _):
        result = command("status", "--url", f"http://{place}")
    assert result.complaint == f"the answer of http://{place} is too large; allowed are 1 MiB"


def test_an_answer_that_does_not_come_is_one_line(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_client, "ANSWER_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert command("status", "--url", place).complaint == f"{place} does not answer within 0.2 s"


def test_a_certificate_has_to_be_of_a_trusted_ca(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path, "ca")
    pair = authority.issue("oma")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert_file, pair.key_file)
    with answering(http("200 OK", b'{"total":0,"jobs":[]}'), context) as (place, asked):
        result = command("status", "--url", f"https://{place}")
        assert result.status == 1
        assert result.complaint.startswith(f"the certificate of https://{place} is refused: ")
        assert result.complaint.endswith("; SSL_CERT_FILE can name the CA that signed it")
        assert asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.cert_file))
        assert command("status", "--url", f"https://{place}") == (0, "no job to show\n", "")
    assert f"Authorization: Bearer {TOKEN}".encode() in asked[0]


def test_a_file_of_cas_that_cannot_be_read_is_named(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("no certificate")
    for path, why in [
        ("/nope", "No such file or directory"),
        (str(tmp_path / "text"), "no certificate in PEM"),
    ]:
        monkeypatch.setenv("SSL_CERT_FILE", path)
        result = command("status", "--url", "https://127.0.0.1:1")
        assert (result.status, result.out) == (2, "")
        allowed = "allowed is a file of CA certificates in PEM"
        assert result.complaint == f"SSL_CERT_FILE={path} cannot be read: {why}; {allowed}"


def test_watching_outlives_an_api_that_goes_away(
    world: ApiWorld, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_get = ApiClient.get
    looks = iter(["there", "away", "away", "there"])

    def get(client: ApiClient, path: str, query: dict[str, object]) -> bytes:
        look = next(looks, None)
        if look is None:
            raise KeyboardInterrupt
        if look == "away":
            raise ApiUnavailableError("it is away")
        return true_get(client, path, query)

    monkeypatch.setattr(ApiClient, "get", get)
    monkeypatch.setattr("oma_poller.cli.status._EVERY_S", 0.0)
    status, out, err = command("status", "--watch", "--json", "--url", world.url)
    assert (status, out.count('"total": 2'), err) == (0, 2, "oma-poller: it is away\n")
