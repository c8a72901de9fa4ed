"""The OpenAPI document as one HTML page that asks nothing of the network: no script, no font, no picture."""

from __future__ import annotations

import html
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

_STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent);
  --shade: color-mix(in srgb, currentColor 7%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
  overflow-wrap: anywhere; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; text-transform: capitalize; }
h3 { font-size: 1rem; margin: 1rem 0 0; }
code, pre, .method { font-family: ui-monospace, monospace; font-size: .9em; }
p code, td code, .summary code { background: var(--shade); border-radius: .25rem; padding: .05em .3em; }
details { border-top: 1px solid var(--line); padding: .6rem 0; }
summary { cursor: pointer; } .summary { opacity: .8; margin-left: .5rem; }
.method { display: inline-block; width: 3.5rem; font-weight: 700; }
table { border-collapse: collapse; margin: .5rem 0 1rem; width: 100%; }
td { border-top: 1px solid var(--line); padding: .25rem 1rem .25rem 0; vertical-align: top; }
td:first-child { overflow-wrap: normal; width: 1%; } td:last-child { padding-right: 0; }
pre { border: 1px solid var(--line); border-radius: .4rem; padding: .8rem; overflow: auto; max-height: 24rem;
  overflow-wrap: normal; }
@media (max-width: 34rem) {
  .summary { display: block; margin-left: 0; }
  tr { display: block; border-top: 1px solid var(--line); padding: .25rem 0; } td { border: 0; padding: 0 .5rem 0 0; }
  td:last-child { display: block; }
}
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
        f"<h1>{info['title']} API {info['version']}</h1><p>{_words(info['description'])}</p>"
        '<p>Machine-readable: <a href="/schema/openapi.json">openapi.json</a> · '
        '<a href="/schema/openapi.yaml">openapi.yaml</a> · <a href="/v1/rubrics/schema">rubric schema</a> · '
        f'<a href="/problems">problems</a></p>{sections}</body></html>'
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parameters = "".join(
        f"<tr><td><code>{html.escape(one['name'])}</code></td><td>{one['in']}</td>"
        f"<td>{_words(one.get('description') or '')}</td></tr>"
        for one in operation.get("parameters", [])
    )
    answers = "".join(
        f"<tr><td><code>{status}</code></td><td>{_words(answer.get('description', ''))}</td></tr>"
        for status, answer in operation.get("responses", {}).items()
    )
    return (
        f'<details id="{operation["operationId"]}"><summary><span class="method">{method.upper()}</span>'
        f"<code>{html.escape(path).replace('/', '<wbr>/')}</code> "
        f'<span class="summary">{_words(operation.get("summary", ""))}</span>'
        f"</summary><p>{_words(operation.get('description') or '')}</p>"
        f"{f'<h3>Parameters</h3><table>{parameters}</table>' if parameters else ''}{''.join(_bodies(operation))}"
        f"<h3>Answers</h3><table>{answers}</table>{_answer(operation)}</details>"
    )


def _bodies(operation: dict[str, Any]) -> Iterator[str]:
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        for example in content.get("examples", {}).values():
            yield f"<p>{_words(example.get('summary', ''))} <code>{media_type}</code></p>{_shown(example['value'])}"


def _answer(operation: dict[str, Any]) -> str:
    """One example of what comes back when all goes well."""
    good = (answer for status, answer in operation["responses"].items() if status.startswith("2"))
    examples = (one for answer in good for content in answer.get("content", {}).values() for one in _examples(content))
    example = next(examples, None)
    return "" if example is None else f"<p>An answer, for example:</p>{_shown(example['value'])}"


def _examples(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from content.get("examples", {}).values()


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    return f"<pre>{html.escape(text)}</pre>"


def _words(text: str) -> str:
    """The text as HTML, with what stands in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))
