"""Fixtures: servers that are started with the wanted flags, and are gone after the test, however it went."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from processes import Server
from programs import INLINE, POOL, SERVERS


@pytest.fixture(scope="session", autouse=True)
def many_descriptors() -> None:
    """Some tests hold thousands of connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextlib.contextmanager
def _servers() -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(row: str, *flags: str, **options: Any) -> Server:
        server = Server(row, *flags, **options)
        started.append(server)
        return server

    try:
        yield start
        # A server that a test has not stopped must still be there, and stop well.
        for server in started:
            if server.process.returncode is None:
                server.stop()
    finally:
        for server in started:
            server.kill()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """serve(row, *flags) starts a server for this test."""
    with _servers() as start:
        yield start


@pytest.fixture(scope="module")
def serve_all() -> Iterator[Callable[..., Server]]:
    """The same for all tests of a file."""
    with _servers() as start:
        yield start


@pytest.fixture(params=SERVERS, scope="module")
def site(request: pytest.FixtureRequest, serve_all: Callable[..., Server]) -> Server:
    """A server of every row, with its defaults."""
    return serve_all(request.param)


@pytest.fixture(params=[INLINE, POOL], scope="module")
def either_site(request: pytest.FixtureRequest, serve_all: Callable[..., Server]) -> Server:
    """A server of each dispatch, with its defaults."""
    return serve_all(request.param)


@pytest.fixture(params=[INLINE, POOL])
def either(request: pytest.FixtureRequest) -> str:
    """A row of each dispatch."""
    return str(request.param)
