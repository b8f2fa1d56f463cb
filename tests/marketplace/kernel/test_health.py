"""Alive, ready, counted."""

import asyncio

import httpx
import pytest

from marketplace.kernel import health
from marketplace.kernel.db import Database
from tests.given.apps import an_app


async def test_a_process_is_alive_without_a_database(settings):
    app = an_app(settings, Database("postgresql+asyncpg://postgres@/nowhere?host=/nonexistent"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/api/v1/organisations")).status_code == 503
        assert (await client.get("/metrics")).status_code == 200


async def test_a_process_is_ready_when_schema_and_ranking_are(app, client):
    app.state.readiness = lambda: {"achievement": {"loaded": True, "records": 3}}
    ready = await client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["schema_version"] == app.state.schema_version
    assert ready.json()["index"] == {"achievement": {"loaded": True, "records": 3}}


async def test_a_process_whose_ranking_is_not_loaded_is_not_ready(app, client):
    app.state.readiness = lambda: {"achievement": {"loaded": True}, "problem": {"loaded": False}}
    assert (await client.get("/readyz")).status_code == 503


async def test_a_process_of_another_schema_is_not_ready_and_says_what_to_run(app, client):
    app.state.schema_version = "9999"
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert "duijie migrate" in answer.json()["detail"]
    assert answer.headers["Retry-After"] == "1"


class Silent:
    """A session of a database that never answers."""

    async def __aenter__(self):
        await asyncio.Event().wait()

    async def __aexit__(self, *_):
        raise AssertionError


async def test_who_asks_whether_it_is_ready_is_not_kept_waiting(app, client, monkeypatch):
    monkeypatch.setattr(health, "PATIENCE", 0.05)
    monkeypatch.setattr(app.state.database, "reading", Silent)
    assert (await client.get("/readyz")).status_code == 503


@pytest.mark.parametrize("url", ["/healthz", "/readyz", "/metrics"])
async def test_probes_may_add_what_they_like(url, app, client):
    app.state.readiness = dict
    assert (await client.get(f"{url}?probe=1")).status_code == 200


async def test_metrics_are_in_prometheus_form(client):
    await client.get("/api/v1/organisations")
    answer = await client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert 'duijie_requests_total{method="GET",route="/api/v1/organisations",status="200"}' in answer.text
    assert "duijie_request_seconds_bucket" in answer.text
