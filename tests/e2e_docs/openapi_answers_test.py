"""The daemon answers as /openapi.json says: each answer's status is listed, and its body is what the schema says."""

import json

import jsonschema
import pytest

from e2e_support import Daemon
from e2e_support.http import request

ADMIN = {"/v1/accounts", "/v1/accounts/{id}", "/v1/ledger", "/metrics"}
NDJSON = {"Content-Type": "application/x-ndjson"}
EVENT = {"account_id": 1, "data": "foo"}

# (method, path of the description, target, what is sent, status)
REQUESTS = [
    ("post", "/", "/", {"json": EVENT}, 202),
    ("post", "/v1/events", "/v1/events", {"json": EVENT | {"id": "a"}}, 202),
    ("post", "/v1/events", "/v1/events", {"json": EVENT | {"id": "a"}}, 202),  # a duplicate
    ("post", "/v1/events", "/v1/events", {"json": [EVENT, {"account_id": 7, "data": 1}, 5]}, 202),
    ("post", "/v1/events", "/v1/events", {"json": []}, 202),
    ("post", "/v1/events", "/v1/events", {"json": [5]}, 422),
    ("post", "/v1/events", "/v1/events", {"body": b'{"account_id":1,"data":1}\nx\n', "headers": NDJSON}, 202),
    ("post", "/v1/events", "/v1/events", {"body": b"x\n" * 150 + json.dumps(EVENT).encode(), "headers": NDJSON}, 202),
    ("post", "/v1/events", "/v1/events", {"body": b"{"}, 400),
    ("post", "/v1/events", "/v1/events", {"json": {"account_id": 1.5, "data": 1}}, 400),
    ("post", "/v1/events", "/v1/events?ack=stored", {"json": EVENT}, 400),
    ("post", "/v1/events", "/v1/events", {"json": EVENT | {"account_id": 2}}, 403),
    ("post", "/v1/events", "/v1/events", {"json": EVENT | {"account_id": 7}}, 404),
    ("post", "/v1/events", "/v1/events", {"json": EVENT | {"data": "x" * 300_000}}, 413),
    ("post", "/v1/events", "/v1/events", {"body": b"<a/>", "headers": {"Content-Type": "application/xml"}}, 415),
    ("post", "/{account_id}", "/1?id=b", {"body": b"hello"}, 202),
    ("post", "/{account_id}", "/0", {"body": b"hello"}, 400),
    ("post", "/{account_id}", "/7", {"body": b"hello"}, 404),
    ("get", "/", "/", {}, 200),
    ("get", "/v1/events", "/v1/events?since=all&follow=false", {}, 200),
    ("get", "/v1/events", "/v1/events?tail=x", {}, 400),
    ("get", "/livez", "/livez", {}, 200),
    ("get", "/readyz", "/readyz", {}, 200),
    ("get", "/healthz", "/healthz", {}, 200),
    ("get", "/openapi.json", "/openapi.json", {}, 200),
    ("post", "/v1/accounts", "/v1/accounts", {"json": {"id": 50, "name": "Acme"}}, 201),
    ("post", "/v1/accounts", "/v1/accounts", {"json": {"id": 50, "name": "Acme"}}, 409),
    ("post", "/v1/accounts", "/v1/accounts", {"json": {"id": 51}}, 400),
    ("get", "/v1/accounts", "/v1/accounts", {}, 200),
    ("get", "/v1/accounts", "/v1/accounts?limit=1", {}, 200),
    ("get", "/v1/accounts", "/v1/accounts?limit=0", {}, 400),
    ("get", "/v1/accounts/{id}", "/v1/accounts/50", {}, 200),
    ("patch", "/v1/accounts/{id}", "/v1/accounts/50", {"json": {"is_active": False}}, 200),
    ("patch", "/v1/accounts/{id}", "/v1/accounts/50", {"json": {}}, 400),
    ("patch", "/v1/accounts/{id}", "/v1/accounts/51", {"json": {"name": "x"}}, 404),
    ("delete", "/v1/accounts/{id}", "/v1/accounts/50", {}, 204),
    ("get", "/v1/accounts/{id}", "/v1/accounts/50", {}, 404),
    ("get", "/v1/ledger", "/v1/ledger", {}, 200),
    ("get", "/metrics", "/metrics", {}, 200),
]


@pytest.fixture(scope="module")
def daemon():
    with Daemon(demo=True) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def document(daemon):
    return request("GET", daemon.url + "/openapi.json").json()


def resolve(document, node):
    while "$ref" in node:
        parts = node["$ref"].removeprefix("#/").split("/")
        node = document
        for part in parts:
            node = node[part]
    return node


def validate(document, schema, value):
    resolver = jsonschema.RefResolver.from_schema(document)
    jsonschema.Draft202012Validator(schema, resolver=resolver, format_checker=jsonschema.FormatChecker()).validate(value)


def check_body(document, answer, content):
    media_type = answer.headers["content-type"].split(";")[0]
    assert media_type in content, (media_type, list(content))
    if media_type.endswith("json") and media_type != "application/x-ndjson":
        validate(document, content[media_type]["schema"], answer.json())
    if media_type == "application/x-ndjson":
        lines = answer.text.splitlines()
        assert lines
        for line in lines:
            validate(document, {"$ref": "#/components/schemas/StreamLine"}, json.loads(line))


@pytest.mark.parametrize("method,path,target,sent,status", REQUESTS, ids=lambda value: str(value)[:60])
def test_answer_is_as_described(daemon, document, method, path, target, sent, status):
    base = daemon.admin_url if path in ADMIN else daemon.url
    answer = request(method.upper(), base + target, **sent)
    assert answer.status == status, answer.body
    response = resolve(document, document["paths"][path][method]["responses"][str(status)])
    for name in response.get("headers", {}):
        assert name.lower() in answer.headers
    if "content" in response:
        check_body(document, answer, response["content"])
    else:
        assert not answer.body


def test_every_operation_is_asked_once_at_least(document):
    asked = {(method, path) for method, path, *_ in REQUESTS}
    described = {(method, path) for path, item in document["paths"].items() for method in item if method != "servers"
                 and method != "parameters"}
    assert asked == described
