"""The OpenAPI document: what Litestar finds in the handlers, made whole, and a page that needs no network.

Litestar knows the routes, parameters and answers. The schemas come from the values themselves, examples from
`service.api.examples`, so that both can be tested against each other.
"""

from __future__ import annotations

import html
import json
from collections import defaultdict
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import yaml
from litestar import Request
from litestar.datastructures import ResponseHeader
from litestar.enums import MediaType, OpenAPIMediaType
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import License, Tag
from pydantic.json_schema import models_json_schema

from service import __version__
from service.api import shapes
from service.api.bodies import write_json
from service.api.examples import ANSWERS, BODIES, problem_example
from service.api.problems import BY_STATUS, KINDS, PROBLEM_JSON, Kind
from service.conversation import Conversation
from service.rubric import Rubric

IDEMPOTENCY_HEADERS = (
    ResponseHeader(name="Location", description="The path of the evaluation.", documentation_only=True),
    ResponseHeader(
        name="Idempotent-Replayed",
        description="`true` when the answer is that of an earlier request with the same key.",
        documentation_only=True,
    ),
)
_SHAPES = (
    shapes.EvaluationRequest,
    shapes.OutsideConversation,
    shapes.Evaluation,
    shapes.EvaluationPage,
    shapes.RubricList,
    shapes.RubricEntry,
    shapes.LintReport,
    shapes.EngineList,
    shapes.Health,
    shapes.Problem,
    shapes.ProblemKind,
    shapes.ProblemKinds,
)
_DESCRIPTION = """Assay fills in contact-center QA scorecards from transcripts. Every answer rests on quotes that are
located in the transcript; what has no proof is unscored, never guessed. Errors are problem documents (RFC 9457);
`GET /problems` explains each kind. Every answer carries `X-Request-Id`: the one that was sent, else a new one."""


def problem_responses(*errors: type[Exception] | Kind | int) -> dict[int, ResponseSpec]:
    """The problem answers of an operation, one for each status, all their kinds named in it."""
    kinds: dict[int, list[Kind]] = defaultdict(list)
    for error in errors:
        kind = error if isinstance(error, Kind) else BY_STATUS[error] if isinstance(error, int) else KINDS[error]
        kinds[kind.status].append(kind)
    return {
        status: ResponseSpec(
            shapes.Problem,
            generate_examples=False,
            media_type=PROBLEM_JSON,
            description="; ".join(f"{kind.title} (`{kind.type}`)" for kind in of_status),
        )
        for status, of_status in sorted(kinds.items())
    }


def openapi_config() -> OpenAPIConfig:
    """The document at /schema/openapi.json and .yaml, and the page at /schema."""
    return OpenAPIConfig(
        title="Assay",
        version=__version__,
        description=_DESCRIPTION.replace("\n", " "),
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        tags=[
            Tag(name="evaluations", description="Drafts of filled scorecards."),
            Tag(name="rubrics", description="The forms that can be filled."),
            Tag(name="service", description="The service itself."),
        ],
        path="/schema",
        use_handler_docstrings=True,
        render_plugins=[
            _Page(path="/", media_type=MediaType.HTML),
            _Rendered(path="/openapi.json", media_type=OpenAPIMediaType.OPENAPI_JSON),
            _Yaml(path=["/openapi.yaml", "/openapi.yml"], media_type=OpenAPIMediaType.OPENAPI_YAML),
        ],
    )


# ── The document ────────────────────────────────────────────────────────────────────────────────────────────────


def whole_document(found: dict[str, Any]) -> dict[str, Any]:
    """Litestar's document with the values' own schemas, every body described and every example in place."""
    document = deepcopy(found)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas |= _schemas()
    for operation in operations_of(document):
        _describe_body(operation)
        _describe_answers(operation)
    _describe_conversation(schemas)
    document["components"]["schemas"] = _reachable(document, schemas)
    document["servers"] = [{"url": "/"}]
    return document


def operations_of(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every operation of the document."""
    for path in document["paths"].values():
        yield from (path[method] for method in ("get", "post", "put", "patch", "delete") if method in path)


def _schemas() -> dict[str, Any]:
    template = "#/components/schemas/{model}"
    _, answers = models_json_schema([(shape, "serialization") for shape in _SHAPES], ref_template=template)
    _, inputs = models_json_schema(
        [(shape, "validation") for shape in (Conversation, Rubric, *_SHAPES[:2])], ref_template=template
    )
    schemas: dict[str, Any] = answers["$defs"] | inputs["$defs"]
    return schemas


def _describe_conversation(schemas: dict[str, Any]) -> None:
    """The three ways of sending a conversation, and of naming a rubric."""
    schemas["ConversationShorthand"] = {
        "type": "object",
        "title": "ConversationShorthand",
        "description": "Turns with their speakers; a speaker's role is told by its name. More fields of the native "
        "form may stand beside them.",
        "required": ["turns"],
        "properties": {
            "turns": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["speaker", "text"],
                    "properties": {"speaker": {"type": "string"}, "text": {"type": "string"}},
                },
            }
        },
    }
    asked = schemas["EvaluationRequest"]["properties"]
    asked["conversation"] = {
        "description": asked["conversation"].get("description"),
        "anyOf": [
            {"$ref": f"#/components/schemas/{name}"}
            for name in ("Conversation", "ConversationShorthand", "OutsideConversation")
        ],
    }
    asked["rubric"] = {
        "description": asked["rubric"].get("description"),
        "anyOf": [{"type": "string"}, {"$ref": "#/components/schemas/Rubric"}],
    }


def _describe_body(operation: dict[str, Any]) -> None:
    name = operation["operationId"]
    if name in ("publishRubric", "lintRubric"):
        rubric = {"schema": {"$ref": "#/components/schemas/Rubric"}}
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": rubric, "application/yaml": dict(rubric)},
        }
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        content["examples"] = BODIES[name][media_type]


def _describe_answers(operation: dict[str, Any]) -> None:
    for status, answer in operation.get("responses", {}).items():
        for media_type, content in answer.get("content", {}).items():
            if media_type == PROBLEM_JSON:
                content["examples"] = problem_example(answer["description"])
            elif (example := ANSWERS.get((operation["operationId"], status))) is not None:
                content["examples"] = {"example": {"value": example}}


def _reachable(document: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """The schemas that something refers to."""
    wanted: set[str] = set()
    waiting: list[Any] = [document["paths"]]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            reference = str(one.get("$ref", "")).removeprefix("#/components/schemas/")
            if reference in schemas and reference not in wanted:
                wanted.add(reference)
                waiting.append(schemas[reference])
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return {name: schemas[name] for name in sorted(wanted)}


# ── How it is shown ─────────────────────────────────────────────────────────────────────────────────────────────


class _Rendered(OpenAPIRenderPlugin):
    """Renders once: the document does not change while the process lives."""

    _bytes: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002
        """The document in this plugin's form."""
        if self._bytes is None:
            self._bytes = self.write(whole_document(openapi_schema))
        return self._bytes

    def write(self, document: dict[str, Any]) -> bytes:
        """The document's bytes."""
        return write_json(document)


class _Yaml(_Rendered):
    def write(self, document: dict[str, Any]) -> bytes:
        """The document as YAML."""
        text: str = yaml.safe_dump(document, allow_unicode=True, sort_keys=False)
        return text.encode()


class _Page(_Rendered):
    def write(self, document: dict[str, Any]) -> bytes:
        """A page of our own: nothing on it comes from elsewhere."""
        return page_of(document).encode()


_STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; text-transform: capitalize; }
code, pre, .method { font-family: ui-monospace, monospace; font-size: .9em; }
details { border-top: 1px solid var(--line); padding: .6rem 0; }
summary { cursor: pointer; } summary > span { opacity: .75; margin-left: .5rem; }
.method { display: inline-block; width: 3.5rem; font-weight: 700; }
table { border-collapse: collapse; margin: .5rem 0 1rem; }
td { border-top: 1px solid var(--line); padding: .25rem 1rem .25rem 0; vertical-align: top; }
pre { border: 1px solid var(--line); border-radius: .4rem; padding: .8rem; overflow: auto; max-height: 24rem; }
"""


def page_of(document: dict[str, Any]) -> str:
    """The operations as one HTML page, by tag, each with its parameters, body and answers."""
    by_tag: dict[str, list[str]] = defaultdict(list)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            by_tag[operation["tags"][0]].append(_operation(method, path, operation))
    sections = "".join(f"<h2>{html.escape(tag)}</h2>{''.join(shown)}" for tag, shown in by_tag.items())
    info = document["info"]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{info["title"]} API</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>{info['title']} API {info['version']}</h1><p>{html.escape(info['description'])}</p>"
        '<p>Machine-readable: <a href="/schema/openapi.json">openapi.json</a> · '
        '<a href="/schema/openapi.yaml">openapi.yaml</a> · <a href="/v1/rubrics/schema">rubric schema</a> · '
        f'<a href="/problems">problems</a></p>{sections}</body></html>'
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parameters = "".join(
        f"<tr><td><code>{html.escape(one['name'])}</code></td><td>{one['in']}</td>"
        f"<td>{html.escape(one.get('description') or '')}</td></tr>"
        for one in operation.get("parameters", [])
    )
    answers = "".join(
        f"<tr><td><code>{status}</code></td><td>{html.escape(answer.get('description', ''))}</td></tr>"
        for status, answer in operation.get("responses", {}).items()
    )
    return (
        f'<details id="{operation["operationId"]}"><summary><span class="method">{method.upper()}</span>'
        f"<code>{html.escape(path)}</code><span>{html.escape(operation.get('summary', ''))}</span></summary>"
        f"<p>{html.escape(operation.get('description') or '')}</p>"
        f"{f'<table>{parameters}</table>' if parameters else ''}{''.join(_bodies(operation))}"
        f"<table>{answers}</table></details>"
    )


def _bodies(operation: dict[str, Any]) -> Iterator[str]:
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        for example in content.get("examples", {}).values():
            value = example["value"]
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
            yield f"<p>{html.escape(example.get('summary', ''))} <code>{media_type}</code></p>"
            yield f"<pre>{html.escape(shown)}</pre>"
