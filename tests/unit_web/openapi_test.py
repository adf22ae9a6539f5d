"""docs/openapi.json is sound: every reference resolves, and every example is what its schema says."""

import json
import os
import re
from pathlib import Path

import jsonschema
import pytest

SOURCE = Path(os.environ["TRACKING_SOURCE_DIR"])
DOCUMENT = json.loads((SOURCE / "docs/openapi.json").read_text())
SCHEMAS = DOCUMENT["components"]["schemas"]
METHODS = {"get", "put", "post", "patch", "delete"}
# These codes say something of an object in a program, and are never told over HTTP.
PROGRAM_CODES = {"ok", "closed", "timed-out", "could-not-connect"}


def validator(schema):
    resolver = jsonschema.RefResolver.from_schema(DOCUMENT)
    return jsonschema.Draft202012Validator(
        schema, resolver=resolver, format_checker=jsonschema.FormatChecker()
    )


def resolve(node):
    while "$ref" in node:
        parts = node["$ref"].removeprefix("#/").split("/")
        node = DOCUMENT
        for part in parts:
            node = node[part]
    return node


def walk(node, path="#"):
    yield path, node
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from walk(child, f"{path}/{key}")


def examples_with_schemas():
    """Of media types, parameters and headers: whatever has a schema and examples beside it."""
    for path, node in walk(DOCUMENT):
        if not isinstance(node, dict) or not isinstance(node.get("schema"), dict):
            continue
        if "example" in node:
            yield path, node["schema"], node["example"]
        for name, example in node.get("examples", {}).items():
            yield f"{path}/{name}", node["schema"], example["value"]


def operations():
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield path, method, operation


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_is_a_schema(name):
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


def test_every_reference_resolves():
    references = [node["$ref"] for _, node in walk(DOCUMENT) if isinstance(node, dict) and "$ref" in node]
    assert len(references) > 100
    for reference in references:
        resolve({"$ref": reference})


@pytest.mark.parametrize("path,schema,example", examples_with_schemas(), ids=lambda value: str(value)[:80])
def test_example_is_what_its_schema_says(path, schema, example):
    validator(schema).validate(example)


def test_a_wrong_example_is_noticed():
    wrong = {"account_id": 0, "data": 1}
    with pytest.raises(jsonschema.ValidationError):
        validator({"$ref": "#/components/schemas/NewEvent"}).validate(wrong)


def test_lines_of_ndjson_are_events():
    post = DOCUMENT["paths"]["/v1/events"]["post"]["requestBody"]["content"]["application/x-ndjson"]
    stream = DOCUMENT["paths"]["/v1/events"]["get"]["responses"]["200"]["content"]["application/x-ndjson"]
    for example, schema in ((post["example"], "NewEvent"), (stream["example"], "StreamLine")):
        for line in example.splitlines():
            validator({"$ref": f"#/components/schemas/{schema}"}).validate(json.loads(line))


def test_data_of_server_sent_events_are_events_and_gaps():
    content = DOCUMENT["paths"]["/v1/events"]["get"]["responses"]["200"]["content"]
    seen = set()
    for frame in content["text/event-stream"]["example"].strip("\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in frame.split("\n"))
        validator({"$ref": "#/components/schemas/Cursor"}).validate(fields["id"])
        if "data" in fields:
            schema = "Gap" if fields.get("event") == "gap" else "Event"
            validator({"$ref": f"#/components/schemas/{schema}"}).validate(json.loads(fields["data"]))
            seen.add(schema)
    assert seen == {"Gap", "Event"}


def test_problem_examples_have_their_codes_title_and_status():
    rows = re.findall(r'\{Code::\w+, "([^"]+)", "([^"]+)", (\d+)\}', (SOURCE / "libtracking/src/codec/code.cpp").read_text())
    codes = {name: (title, int(status)) for name, title, status in rows}
    assert set(SCHEMAS["ProblemType"]["enum"]) == set(codes) - PROGRAM_CODES
    checked = 0
    for _, schema, example in examples_with_schemas():
        if schema == {"$ref": "#/components/schemas/Problem"}:
            assert (example["title"], example["status"]) == codes[example["type"]], example
            checked += 1
    assert checked > 20


def test_problems_stand_under_their_status():
    for path, method, operation in operations():
        for status, response in operation["responses"].items():
            problem = resolve(response).get("content", {}).get("application/problem+json")
            for example in problem["examples"].values() if problem else ():
                assert example["value"]["status"] == int(status), (path, method, status)


def test_every_operation_has_a_name_of_its_own():
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names)) == 16


def test_every_route_of_both_listeners_is_there():
    assert set(DOCUMENT["paths"]) == {
        "/", "/v1/events", "/{account_id}", "/livez", "/readyz", "/healthz", "/openapi.json",
        "/v1/accounts", "/v1/accounts/{id}", "/v1/ledger", "/metrics",
    }


def test_the_version_is_the_librarys():
    header = (SOURCE / "libtracking/include/tracking/version.h").read_text()
    version = ".".join(re.search(rf"VERSION_{part} (\d+)", header)[1] for part in ("MAJOR", "MINOR", "PATCH"))
    assert DOCUMENT["info"]["version"] == version
