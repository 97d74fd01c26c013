"""The address that was checked is the one that is connected to; names stay for TLS; the proxy is the only way out."""

import base64
import datetime as dt
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from verbund.errors import AddressRefusedError, SettingsError, SourceRefusedError, SourceUnreachableError
from verbund.testing.feed_server import FeedServer

PUBLIC = "193.99.144.80"
BODY = b'{"items": []}'


def refused(kind, code, get, *arguments, **more):
    with pytest.raises(kind) as caught:
        get(*arguments, **more)
    assert caught.value.error_code == code
    return caught.value


def in_turn(*answers):
    """A resolver that answers differently each time, as a rebinding name does."""
    left = list(answers)
    asked = []

    def resolve(host, port):
        asked.append(host)
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve, asked


def test_a_name_that_changes_its_address_is_resolved_once_and_connected_to_what_was_checked(make, network, server):
    network.routes[PUBLIC] = "127.0.0.1"
    resolve, asked = in_turn([PUBLIC], ["127.0.0.1"])
    server.serve("/feed", BODY)
    make(resolve=resolve, allow=()).get(f"http://feeds.example.org:{server.port}/feed").close()
    assert network.connects == [(PUBLIC, server.port)]
    assert asked == ["feeds.example.org"]
    assert server.requests[0].headers["host"] == f"feeds.example.org:{server.port}"


def test_a_name_that_was_public_is_checked_again_for_a_new_connection(make, network, server):
    network.routes[PUBLIC] = "127.0.0.1"
    resolve, _ = in_turn([PUBLIC], ["127.0.0.1"])
    server.serve("/feed", raw=b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    fetch = make(resolve=resolve, allow=())
    fetch.get(f"http://feeds.example.org:{server.port}/feed").close()
    refused(AddressRefusedError, "E240", fetch.get, f"http://feeds.example.org:{server.port}/feed")
    assert network.connects == [(PUBLIC, server.port)]


def test_a_redirect_to_a_name_inside_is_refused(make, network, server):
    network.routes[PUBLIC] = "127.0.0.1"
    server.redirect("/feed", "http://inside.example.org/")
    fetch = make(resolve=lambda host, port: ["10.0.0.1" if host.startswith("inside") else PUBLIC], allow=())
    error = refused(AddressRefusedError, "E240", fetch.get, f"http://feeds.example.org:{server.port}/feed")
    assert "inside.example.org" in str(error)
    assert "10.0.0.1" not in str(error)
    assert network.connects == [(PUBLIC, server.port)]


def test_every_address_of_a_name_must_be_public(make, network):
    for addresses in ([PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC], [PUBLIC] * 20 + ["::1"]):
        fetch = make(resolve=lambda host, port, found=addresses: found, allow=())
        refused(AddressRefusedError, "E240", fetch.get, "http://feeds.example.org/")
    assert network.connects == []


def test_the_next_address_is_tried_when_one_is_dead(make, network, server):
    server.serve("/feed", BODY)
    network.routes["8.8.8.8"] = "127.0.0.99"  # nobody listens there
    network.routes[PUBLIC] = "127.0.0.1"
    fetch = make(resolve=lambda host, port: ["8.8.8.8", PUBLIC], allow=())
    fetch.get(f"http://feeds.example.org:{server.port}/feed").close()
    assert [host for host, _ in network.connects] == ["8.8.8.8", PUBLIC]


def test_a_name_without_an_address_is_not_found(make):
    def resolve(host, port):
        raise OSError("no such name")

    refused(SourceUnreachableError, "E211", make(resolve=resolve).get, "http://feeds.example.org/")


def test_a_socket_of_this_machine_is_never_opened(make, network):
    refused(AddressRefusedError, "E241", make().get, "http+unix://%2frun%2fx/")


def test_what_the_environment_says_about_proxies_counts_for_nothing(make, server, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    make().get(server.serve("/feed", BODY)).close()
    assert len(server.requests) == 1


# --- TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A certificate authority, and a certificate of feeds.example.org by it."""
    folder = tmp_path_factory.mktemp("tls")
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Office")])
    root = _signed(root_name, root_name, root_key.public_key(), root_key, x509.BasicConstraints(True, None))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "feeds")])
    names = x509.SubjectAlternativeName([x509.DNSName("feeds.example.org")])
    leaf = _signed(name, root_name, key.public_key(), root_key, names)
    (folder / "ca.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "leaf.pem").write_bytes(leaf.public_bytes(serialization.Encoding.PEM) + private)
    return folder


def _signed(subject, issuer, public_key, signing_key, extension):
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(issuer, subject, public_key, x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
    return builder.add_extension(extension, critical=False).sign(signing_key, hashes.SHA256())


@pytest.fixture
def tls_server(authority):
    server = FeedServer()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "leaf.pem")
    asked_for: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    listening = server._server
    listening.socket = context.wrap_socket(listening.socket, server_side=True, do_handshake_on_connect=False)
    server.serve("/feed", BODY)
    yield server, asked_for
    server.close()


def to_loopback(network):
    network.routes[PUBLIC] = "127.0.0.1"
    return lambda host, port: [PUBLIC]


def test_https_is_checked_against_the_name_although_the_connection_goes_to_a_number(
    make, network, tls_server, authority
):
    server, asked_for = tls_server
    fetch = make(resolve=to_loopback(network), allow=(), ca_file=authority / "ca.pem")
    with fetch.get(f"https://feeds.example.org:{server.port}/feed") as fetched:
        assert fetched.body.read() == BODY
    assert asked_for == ["feeds.example.org"]
    assert server.requests[0].headers["host"] == f"feeds.example.org:{server.port}"


def test_a_certificate_of_another_name_is_not_trusted(make, network, tls_server, authority):
    server, _ = tls_server
    fetch = make(resolve=to_loopback(network), allow=(), ca_file=authority / "ca.pem")
    error = refused(SourceUnreachableError, "E213", fetch.get, f"https://other.example.org:{server.port}/feed")
    assert "other.example.org" in str(error)
    assert server.requests == []


def test_a_certificate_of_an_unknown_authority_is_not_trusted(make, network, tls_server):
    server, _ = tls_server
    fetch = make(resolve=to_loopback(network), allow=())
    error = refused(SourceUnreachableError, "E213", fetch.get, f"https://feeds.example.org:{server.port}/feed")
    assert "VERBUND_CA_FILE" in str(error)


def test_http_where_https_was_meant_is_said(make, server):
    refused(SourceUnreachableError, "E213", make().get, server.url.replace("http:", "https:") + "/feed")


def test_https_never_leads_to_http(make, network, tls_server, authority):
    server, _ = tls_server
    server.redirect("/old", "http://feeds.example.org/feed")
    fetch = make(resolve=to_loopback(network), allow=(), ca_file=authority / "ca.pem")
    refused(SourceRefusedError, "E225", fetch.get, f"https://feeds.example.org:{server.port}/old")


def test_a_certificate_file_that_is_none_is_a_wrong_setting(make, tmp_path):
    (tmp_path / "ca.pem").write_text("nothing")
    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(SettingsError, match=name):
            make(ca_file=tmp_path / name).get("https://127.0.0.1/")


# --- proxy -----------------------------------------------------------------------------------------------------------


class Proxy:
    """A proxy on loopback that resolves names itself, and remembers what it was asked for."""

    def __init__(self, to_port, status=None):
        self.asked: list[tuple[str, str, str | None]] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                proxy.asked.append(("GET", self.path, self.headers.get("Proxy-Authorization")))
                target = httpcore.URL(self.path)
                answer = httpcore.request("GET", f"http://127.0.0.1:{to_port}" + target.target.decode())
                self.send_response(status or answer.status)
                for name in ("Location", "Content-Type"):
                    found = {k.lower(): v for k, v in answer.headers}.get(name.lower().encode())
                    if found:
                        self.send_header(name, found.decode())
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def do_CONNECT(self):
                proxy.asked.append(("CONNECT", self.path, self.headers.get("Proxy-Authorization")))
                self.send_error(status or 403)

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def proxy(server):
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


def no_resolver(host, port):
    assert host == "127.0.0.1", "behind a proxy no name is resolved here"
    return [host]


def through(proxy, make, **more):
    return make(resolve=no_resolver, proxy=f"http://mary:pa55@127.0.0.1:{proxy.port}", allow=(), **more)


def test_a_proxy_is_the_only_place_that_is_connected_to(make, network, server, proxy):
    server.serve("/feed", BODY)
    with through(proxy, make).get("http://feeds.example.org/feed?x=1") as fetched:
        assert fetched.body.read() == BODY
    assert network.connects == [("127.0.0.1", proxy.port)]
    assert proxy.asked == [
        ("GET", "http://feeds.example.org/feed?x=1", "Basic " + base64.b64encode(b"mary:pa55").decode())
    ]


def test_a_proxy_that_refuses_is_named(make, proxy):
    error = refused(SourceUnreachableError, "E216", through(proxy, make).get, "https://feeds.example.org/feed")
    assert "VERBUND_PROXY" in str(error)
    assert "pa55" not in str(error)
    assert proxy.asked[0][:2] == ("CONNECT", "feeds.example.org:443")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://127.1/", "http://0x7f.0.0.1/", "http://2130706433/", "http://[::1]/", "http://localhost/",
        "http://intranet/", "http://db.internal/", "http://169.254.169.254/", "http://[::ffff:8.8.8.8]/",
    ],
)  # fmt: skip
def test_a_proxy_is_never_asked_for_what_may_lie_inside(make, network, proxy, url):
    refused(AddressRefusedError, "E240", through(proxy, make).get, url)
    assert (network.connects, proxy.asked) == ([], [])


def test_behind_a_proxy_a_redirect_stays_with_the_host(make, server, proxy):
    server.redirect("/here", "http://www.feeds.example.org/there")
    server.redirect("/there", "http://evil.example.org/")
    error = refused(AddressRefusedError, "E245", through(proxy, make).get, "http://feeds.example.org/here")
    assert "evil.example.org" in str(error)
    assert [path for _, path, _ in proxy.asked] == [
        "http://feeds.example.org/here",
        "http://www.feeds.example.org/there",
    ]


def test_networks_that_were_opened_are_reached_without_the_proxy(make, network, server, proxy):
    fetch = make(proxy=f"http://127.0.0.1:{proxy.port}", allow=(ip_network("127.0.0.0/8"),))
    fetch.get(server.serve("/feed", BODY)).close()
    assert proxy.asked == []
    assert network.connects == [("127.0.0.1", server.port)]


@pytest.mark.parametrize(
    "text", ["proxy.example.org:3128", "socks5://u:pa55@proxy", "http://", "http://u:pa55@proxy:port"]
)
def test_a_proxy_that_is_no_address_is_a_wrong_setting_and_never_shown(make, text):
    with pytest.raises(SettingsError, match="VERBUND_PROXY") as caught:
        make(proxy=text)
    assert "pa55" not in str(caught.value)
