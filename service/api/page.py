"""The OpenAPI document as one HTML page that asks nothing of the network: no script, no font, no picture."""

from __future__ import annotations

import html
import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

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
