"""No connection is made to an address that is not public, in whatever form it comes."""

import socket
from ipaddress import ip_network

import pytest

from verbund.errors import AddressRefusedError, SourceUnreachableError
from verbund.fetch.addresses import is_allowed, is_outer_name


def words(text):
    return text.split()


# What a resolver may answer; `is_global` of the standard library is true for some of them.
REFUSED_ADDRESSES = words("""
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 169.254.169.254 169.254.0.1
172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.8 192.0.0.9 192.0.0.10 192.0.0.170 192.0.2.1 192.88.99.1 192.168.0.1
198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 168.63.129.16
:: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::808:808
64:ff9b:1::1 100::1 2001::1 2001:0:7f00:1::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:808:808::1
3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 2a00:1450:4001::1%eth0 fec0::1 ff02::1 ff0e::1 4000::1
100.127.255.254 192.168.255.255
""")

PUBLIC_ADDRESSES = words(
    "8.8.8.8 1.1.1.1 193.99.144.80 172.32.0.1 2a02:2e0:3fe:1001:302:: 2606:4700:4700::1111 2003::1"
)

# How they, or other mischief, may be written in a source file, a `next` link or a redirect.
REFUSED_URLS = [
    *words("""
http://127.0.0.1/ http://127.0.0.1:8080/x http://127.1/ http://127.0.1/ http://0/ http://0.0.0.0/ http://0x7f.1/
http://0x7f000001/ http://2130706433/ http://017700000001/ http://0177.0.0.1/ http://127.000.000.001/ http://127.0.0.1./
http://localhost/ http://LOCALHOST/ http://localhost./ http://[::1]/ http://[::]/ http://[0:0:0:0:0:0:0:1]/
http://[::ffff:127.0.0.1]/ http://[::ffff:7f00:1]/ http://[::127.0.0.1]/ http://[64:ff9b::7f00:1]/ http://[64:ff9b::127.0.0.1]/
http://[2002:7f00:1::]/ http://[fe80::1]/ http://[fe80::1%25lo]/ http://[fec0::1]/ http://[ff02::1]/ http://[fd00:ec2::254]/
http://169.254.169.254/latest/meta-data/ http://10.0.0.1/ http://192.168.1.1/ http://172.16.0.1/ http://100.64.0.1/
http://192.0.0.8/ http://224.0.0.1/ http://255.255.255.255/ http://①②⑦.⓪.⓪.①/ http://127。0。0。1/ http://１２７.0.0.1/
http://%31%32%37.0.0.1/ http://127.0.0.1%2f.example.org/ https://127.0.0.1/ https://[::1]/
http://user@127.0.0.1/ http://user:pa55word@feeds.example.org/ http://feeds.example.org@127.0.0.1/
http://feeds.example.org:pa55word@127.0.0.1/ http://127.0.0.1\\@feeds.example.org/ http://feeds.example.org\\.127.0.0.1/
http://feeds.example.org:22/ http://feeds.example.org:25/ http://feeds.example.org:0/ http://feeds.example.org:6667/
http://feeds.example.org:70000/ http://feeds.example.org:-1/ http://feeds.example.org:2049/
ftp://feeds.example.org/ file:///etc/passwd gopher://127.0.0.1:70/ data:text/plain,x javascript:alert(1) dict://127.0.0.1/
unix:///run/docker.sock //127.0.0.1/ http:///x http:// https:feeds.example.org feeds.example.org /x ws://127.0.0.1/
http://[::ffff:10.0.0.1]/ http://0300.0250.1.1/ http://192.168.257/ http://3232235777/ http://[2001:0:7f00:1::]/ http://[3fff::1]/
"""),
    "",
    " ",
    "http://feeds.example.org/\r\nHost: 127.0.0.1",
    "http://127.0.0.1\t/",
    "http://feeds.example.org /",
    "http://feeds.example.org/\x00",
    "http://" + "a" * 64 + ".example.org/",
    "http://feeds.example.org/" + "x" * 2_000,
    "http://..example.org/",
    "http://inside.example.org/",
    "http://both.example.org/",
    "http://metadata.example.org/",
]  # fmt: skip

NAMES = {
    "inside.example.org": ["192.168.3.4"],
    "both.example.org": ["193.99.144.80", "127.0.0.1"],
    "metadata.example.org": ["::ffff:169.254.169.254"],
}


def scripted(host, port):
    """Names of ours; numbers in every form that a system's resolver understands, which needs no network."""
    if host in NAMES:
        return NAMES[host]
    flags = 0 if "localhost" in host.lower() else socket.AI_NUMERICHOST
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return [str(address[0]) for *_, address in found]


def test_there_are_as_many_forms_as_promised():
    assert len(set(REFUSED_URLS)) >= 80
    assert len(set(REFUSED_ADDRESSES)) >= 60


@pytest.mark.parametrize("url", REFUSED_URLS, ids=lambda url: repr(url[:60]))
def test_no_connection_is_made_to(make, network, url):
    fetch = make(resolve=scripted, allow=())
    with pytest.raises((AddressRefusedError, SourceUnreachableError)) as caught:
        fetch.get(url, timeout_s=5)
    assert caught.value.error_code in {"E211", "E240", "E241", "E242", "E243", "E244"}
    assert network.connects == []
    assert "pa55word" not in str(caught.value)


REDIRECTS = [url for url in REFUSED_URLS if url.isascii() and url.isprintable() and url.strip("/") and "://" in url]


@pytest.mark.parametrize("target", REDIRECTS, ids=lambda url: repr(url[:60]))
def test_no_redirect_leads_to(make, network, server, target):
    def resolve(host, port):
        return ["193.99.144.80"] if host == "feeds.example.org" else scripted(host, port)

    network.routes["193.99.144.80"] = "127.0.0.1"
    fetch = make(resolve=resolve, allow=())
    server.redirect("/feed", target)
    with pytest.raises((AddressRefusedError, SourceUnreachableError)):
        fetch.get(f"http://feeds.example.org:{server.port}/feed", timeout_s=5)
    assert network.connects == [("193.99.144.80", server.port)]


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
def test_an_address_that_is_not_public_is_refused(address):
    assert not is_allowed(address, ())


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_a_public_address_is_allowed(address):
    assert is_allowed(address, ())


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f000001", "1.2.3.4.5", "fe80::1%", "1.2.3.4/8"])
def test_what_is_no_address_is_refused(text):
    assert not is_allowed(text, (ip_network("0.0.0.0/0"), ip_network("::/0")))


def test_a_network_that_was_opened_is_allowed_and_no_other():
    allow = (ip_network("10.1.0.0/16"), ip_network("fd00:1::/32"))
    assert is_allowed("10.1.2.3", allow)
    assert is_allowed("fd00:1::5", allow)
    assert not is_allowed("10.2.0.1", allow)
    assert not is_allowed("fd00:2::5", allow)
    assert not is_allowed("::ffff:10.1.2.3", allow)


@pytest.mark.parametrize("name", ["feeds.example.org", "www.landkreis.de", "xn--bcher-kva.de", "a.b.c.example.org."])
def test_a_public_name_may_be_handed_to_a_proxy(name):
    assert is_outer_name(name)


@pytest.mark.parametrize(
    "name",
    ["localhost", "intranet", "server.local", "db.internal", "x.localhost", "127.1", "0x7f.0x1", "2130706433", "a..b", "", ".", "printer.lan", "x.home.arpa", "1.2.3.4"],
)  # fmt: skip
def test_an_inner_name_may_not_be_handed_to_a_proxy(name):
    assert not is_outer_name(name)
