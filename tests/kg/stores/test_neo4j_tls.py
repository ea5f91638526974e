"""Neo4j over TLS, with a server of its own: schemes that check the certificate, and schemes that take any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kg.opening import open_store
from kg.stores import StoreUnavailable
from tests.neo4j_server import Server, launcher, running
from whypath.testing.stores.base import expected, load, same


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    launcher()
    with running(tmp_path_factory.mktemp("neo4j-tls") / "server", ["--tls"]) as server:
        yield server


def test_every_scheme_over_tls(tls_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in tls_server.settings().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("WHYPATH_CACHE", str(tmp_path / "cache"))
    address = tls_server.uri.partition("://")[2]
    store = open_store(f"bolt+ssc://{address}", create=True)
    load(store)
    store.close()
    # Its own signature is not one that this machine trusts, and a plain line is not what it speaks.
    for scheme in ("bolt+s", "neo4j+s", "bolt"):
        with pytest.raises(StoreUnavailable) as caught:
            open_store(f"{scheme}://{address}")
        assert tls_server.password not in str(caught.value)
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_server.folder / "certificates" / "public.crt"))
    for scheme in ("bolt+s", "neo4j+s", "bolt+ssc", "neo4j+ssc"):
        store = open_store(f"{scheme}://{address}")
        assert same(store.snapshot(), expected())
        store.close()
