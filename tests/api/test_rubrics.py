"""What can be asked: listing, reading, publishing and linting rubrics over HTTP."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

from tests.api.conftest import HELLO, desk, problem_of

YAML = {"content-type": "application/yaml"}


async def names(client) -> list[str]:
    return [one["name"] for one in (await client.get("/v1/rubrics")).json()["rubrics"]]


async def test_shipped_and_published_rubrics_stand_in_one_list(client):
    made = await client.post("/v1/rubrics", json=desk("10"))

    listed = (await client.get("/v1/rubrics")).json()["rubrics"]

    assert made.status_code == 201, made.text
    assert [(one["name"], one["origin"], one["published_at"] is None) for one in listed] == [
        ("desk@1", "shipped", True),
        ("desk@2", "shipped", True),
        ("desk@10", "published", False),
    ]
    assert listed[0]["items"] == 1
    assert listed[0]["digest"].startswith("sha256:")


async def test_a_published_version_becomes_the_newest_and_can_be_filled(client):
    await client.post("/v1/rubrics", json=desk("2.1"))

    newest = await client.get("/v1/rubrics/desk")
    drafted = await client.post("/v1/evaluations", json={"conversation": HELLO, "rubric": "desk"})

    assert newest.json()["version"] == "2.1"
    assert drafted.json()["provenance"]["rubric"] == "desk@2.1"


async def test_versions_are_listed_in_their_order_and_each_can_be_read(client):
    for version in ("10", "2.1"):
        await client.post("/v1/rubrics", json=desk(version))

    versions = (await client.get("/v1/rubrics/desk/versions")).json()["rubrics"]

    assert [one["version"] for one in versions] == ["1", "2", "2.1", "10"]
    for one in versions:
        assert (await client.get(one["href"])).json()["version"] == one["version"]


async def test_what_is_read_can_be_published_elsewhere(client):
    rubric = (await client.get("/v1/rubrics/desk/2")).json()

    made = await client.post("/v1/rubrics", json=rubric | {"version": "3"})
    back = (await client.get("/v1/rubrics/desk/3")).json()

    assert made.status_code == 201, made.text
    assert back == rubric | {"version": "3"}


async def test_a_rubric_is_read_with_its_origin_and_digest(client):
    answer = await client.get("/v1/rubrics/desk/1")

    (entry, *_) = (await client.get("/v1/rubrics")).json()["rubrics"]
    assert answer.headers["rubric-origin"] == "shipped"
    assert answer.headers["etag"] == f'"{entry["digest"]}"'


@pytest.mark.parametrize("write", [json.dumps, yaml.safe_dump])
async def test_yaml_is_as_good_as_json(client, write):
    made = await client.post("/v1/rubrics", content=write(desk("7")), headers=YAML)

    assert made.status_code == 201, made.text
    assert made.headers["location"] == made.json()["href"] == "/v1/rubrics/desk/7"
    assert (await client.get("/v1/rubrics/desk/7")).json()["title"] == "Desk"


@pytest.mark.parametrize("version", ["1", "5"])
async def test_publishing_the_same_again_changes_nothing(client, version):
    await client.post("/v1/rubrics", json=desk("5"))
    before = await names(client)

    again = await client.post("/v1/rubrics", json=desk(version))

    assert again.status_code == 200
    assert again.headers["location"] == f"/v1/rubrics/desk/{version}"
    assert await names(client) == before


@pytest.mark.parametrize("version", ["1", "5"])
async def test_a_version_never_changes_shipped_or_published(client, version):
    await client.post("/v1/rubrics", json=desk("5"))

    answer = await client.post("/v1/rubrics", json=desk(version, title="Another"))

    assert problem_of(answer, 409, "rubric-already-published")["errors"][0]["field"] == "version"
    assert (await client.get(f"/v1/rubrics/desk/{version}")).json()["title"] == "Desk"


@pytest.mark.parametrize("reserved", ["schema", "lint"])
async def test_ids_that_are_paths_are_reserved(client, reserved):
    answer = await client.post("/v1/rubrics", json=desk(id=reserved))

    assert problem_of(answer, 422, "rubric-rejected")["errors"][0]["field"] == "id"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"id: a\nid: b\n", "line"),
        (b"id: [\n", "line"),
        (b"{}", "id"),
        (b"[]", None),
        (b"\xff\xfe\x00", None),
        (json.dumps(desk("9", sections=[])).encode(), "sections"),
        (json.dumps(desk("nine")).encode(), "version"),
        (
            json.dumps(desk("1" * 5000)).encode(),
            "version",
        ),  # longer than Python turns into a number: no list could sort it
    ],
)
async def test_a_document_that_is_no_rubric_is_refused_with_its_places(client, body, field):
    answer = await client.post("/v1/rubrics", content=body, headers=YAML)

    document = problem_of(answer, 422, "rubric-rejected")
    assert field is None or any((error.get("field") or "").startswith(field) for error in document["errors"])
    assert await names(client) == ["desk@1", "desk@2"]


async def test_a_rubric_in_which_the_linter_finds_errors_is_not_published(client):
    weightless = desk("9")
    for item in weightless["sections"][0]["items"]:
        item["weight"] = 0

    report = (await client.post("/v1/rubrics/lint", json=weightless)).json()
    answer = await client.post("/v1/rubrics", json=weightless)

    assert report["publishable"] is False
    found = [one["path"] for one in report["findings"] if one["severity"] == "error"]
    assert [error["field"] for error in problem_of(answer, 422, "rubric-rejected")["errors"]] == found


async def test_a_fix_stands_with_the_problem_that_it_mends(client):
    report = (await client.post("/v1/rubrics/lint", json={"id": "x"})).json()

    fixes = {finding["path"]: finding["fix"] for finding in report["findings"]}
    assert fixes["version"] == 'Add version: "1".'
    assert fixes["title"].startswith("Add title")


@pytest.mark.parametrize(
    ("changes", "path", "said", "fix"),
    [
        ({"version": 1}, "version", "must be text", 'version: "1"'),
        ({"sections": []}, "sections", "needs at least 1 entry", "Add sections"),
        ({"titel": "T"}, "titel", "'titel'", "title?"),
        ({"cues": {"hi": {"ref": "ho"}}}, "cues.hi", "'ho'", "cues"),
    ],
)
async def test_linting_and_publishing_tell_the_same_place_reason_and_fix(client, changes, path, said, fix):
    document = desk("9") | changes

    (finding,) = (await client.post("/v1/rubrics/lint", json=document)).json()["findings"]
    (error,) = problem_of(await client.post("/v1/rubrics", json=document), 422, "rubric-rejected")["errors"]

    assert finding["path"] == error["field"] == path
    assert finding["message"] == error["message"]
    assert said in error["message"].lower()
    assert finding["fix"] == error["fix"]
    assert fix in error["fix"]


async def test_text_that_is_no_yaml_is_told_with_its_line_everywhere(client):
    broken = {"content": b"id: a\n b: [", "headers": YAML}

    (finding,) = (await client.post("/v1/rubrics/lint", **broken)).json()["findings"]
    (error,) = problem_of(await client.post("/v1/rubrics", **broken), 422, "rubric-rejected")["errors"]

    assert finding["path"] == error["field"] == "line 2, column 3"


async def test_a_message_never_changes_an_id(client):
    await client.post("/v1/rubrics", json=desk("9", id="my-desk"))

    taken = await client.post("/v1/rubrics", json=desk("9", id="my-desk", title="Another"))

    assert " my-desk@9 " in " " + problem_of(taken, 409, "rubric-already-published")["detail"]


async def test_linting_reports_and_stores_nothing(client):
    report = await client.post("/v1/rubrics/lint", json=desk("9"))

    assert report.status_code == 200
    assert report.json()["publishable"] is True
    assert await names(client) == ["desk@1", "desk@2"]


async def test_what_cannot_be_read_is_a_finding_with_its_path(client):
    report = await client.post(
        "/v1/rubrics/lint", json=desk("9", sections=[{"id": "s", "title": "S", "items": [{"id": "a"}]}])
    )

    assert report.status_code == 200
    assert report.json()["publishable"] is False
    assert {"sections[0].items[0].question"} == {one["path"] for one in report.json()["findings"]}


async def test_the_schema_of_rubrics_accepts_what_the_service_reads(client):
    schema = (await client.get("/v1/rubrics/schema")).json()
    jsonschema.Draft202012Validator.check_schema(schema)

    jsonschema.validate(desk("2"), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(desk("2", colour="red"), schema)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/rubrics/other",
        "/v1/rubrics/other/versions",
        "/v1/rubrics/desk/9",
        "/v1/rubrics/%00/1",
        "/v1/rubrics/desk/%F0%9F%91%8D",
    ],
)
async def test_an_unknown_rubric_is_not_found(client, path):
    answer = await client.get(path)

    assert "desk" in problem_of(answer, 404, "rubric-not-found")["errors"][0]["fix"]


@pytest.mark.parametrize("path", ["/v1/rubrics", "/v1/rubrics/lint"])
async def test_other_media_types_and_empty_bodies_are_refused(client, path):
    problem_of(
        await client.post(path, content=b"a,b", headers={"content-type": "text/csv"}), 415, "unsupported-media-type"
    )
    problem_of(await client.post(path, content=b"", headers=YAML), 400, "malformed-body")
    problem_of(await client.post(path, content=b"x" * 2_000_001, headers=YAML), 413, "body-too-large")


async def test_the_name_that_an_evaluation_takes_reads_the_rubric_too(client):
    named = await client.get("/v1/rubrics/desk@1")
    absent = await client.get("/v1/rubrics/desk@99")

    assert named.status_code == 200
    assert named.json()["version"] == "1"
    assert absent.status_code == 404
