"""What helm says when it fails. It always exits with 1, so its text is all there is.

The wordings were seen on Helm 3.19.0 and 4.2.3 against Kubernetes 1.36; the unit tests keep them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from helmops.errors import HelmError

Scrub = Callable[[str], str]

_LONGEST = 4_000

# Compiled when helm first fails, not when this is imported: a pass that starts no helm does not wait for it.
_KINDS: tuple[tuple[str, str], ...] = (
    # The first that matches wins: what names a cause comes before what only names a symptom.
    ("pending", r"another operation \(install/upgrade/rollback\) is in progress"),
    ("schema", r"values don't meet the specifications of the schema"),
    ("render", r"execution error at|parse error (at|on)|error calling|template: |executing \".*\" at <"),
    ("render", r"cannot unmarshal yaml|error converting yaml|failed to parse -|chart requires kubeversion"),
    ("render", r"missing in charts/ directory"),
    ("ownership", r"cannot be imported into the current release|invalid ownership metadata"),
    ("unknown-field", r"unknown field \"|field not declared in schema|strict decoding error"),
    ("immutable", r"field is immutable|is immutable|forbidden: updates to statefulset|may not change once set"),
    ("conflict", r"apply failed with \d+ conflict|conflict occurred while applying"),
    ("cancelled", r"context canceled"),
    ("forbidden", r"forbidden: user |unauthorized|asked for the client to provide credentials"),
    ("unreachable", r"cluster unreachable|connection (refused|reset)|no such host|i/o timeout|tls handshake"),
    ("unreachable", r"network is unreachable|no route to host|etcdserver|unexpected eof|server does not answer"),
    ("hook", r"(pre|post)-(install|upgrade|rollback|delete)( hooks? failed|: )"),
    ("timeout", r"context deadline exceeded|timed out waiting"),
    ("not-found", r"release: not found|has no deployed releases|namespaces \".*\" not found|release has no .* version"),
)

_HINTS = {
    "schema": "correct the values; the chart's values.schema.json says what it takes",
    "render": "correct the values or the chart",
    "ownership": "the object was made by something else: delete it, or give it Helm's labels and annotations",
    "unknown-field": "correct the chart: the API server does not know this field",
    "immutable": "this field cannot be changed: delete the object first, or give it another name",
    "timeout": "see which objects are not ready, and why (kubectl get, kubectl describe), or allow more time",
    "forbidden": "give the identity this right, or use another identity",
    "unreachable": "check the kubeconfig's server and the network",
    "pending": "another helm writes this release; wait for it to end",
}

_NOISE = (
    r"^(level=\w+ .*"  # helm 4's log
    r"|[IWEF]\d{4} \d\d:\d\d:\d\d.*"  # klog: warnings of the API server, memcache
    r"|\d{4}/\d\d/\d\d \d\d:\d\d:\d\d .*"  # Go's log: warnings of value coalescing
    r"|time=\S+ level=.*|WARNING: .*|walk\.go:\d+: .*|coalesce\.go:\d+: .*"
    r"|Release .* has been cancelled\.|Use --debug flag to render out invalid YAML)$"
)
_PREFIX = r"^Error: (?:(?:INSTALLATION|UPGRADE|ROLLBACK|UNINSTALL)(?: FAILED)?: )?"
_TWICE = r"(\b[^:\n]{4,}: )\1+"
_GATE = r"https?://127\.0\.0\.1:\d+/[A-Za-z0-9_-]{20,}/?"
_BLANK = r"\s*\n\s*"


def failure(stderr: bytes, scrub: Scrub, *, where: str) -> HelmError:
    """The error that this stderr means. Its text is cleaned of noise, and of what ``scrub`` takes out."""
    text = stderr.decode("utf-8", "replace")
    kind = kind_of(clean(text))  # of the whole text: a value may be one of the words that tell the kind
    message = clean(scrub(text)) or "helm failed and did not say why"
    return HelmError(message, kind=kind, where=where, hint=_HINTS.get(kind, ""))


def kind_of(message: str) -> str:
    """The class of failure, see HelmError."""
    return next(
        (kind for kind, pattern in _KINDS if re.search(pattern, message, re.IGNORECASE | re.MULTILINE)), "other"
    )


def clean(text: str) -> str:
    """What is left of stderr for people: no log lines, no wrapping said twice, no address of our own gate."""
    text = re.sub(_NOISE, "", text, flags=re.MULTILINE)
    text = re.sub(_PREFIX, "", text, flags=re.MULTILINE)
    text = re.sub(_GATE, "the API server/", re.sub(_TWICE, r"\1", text))
    text = re.sub(_BLANK, "\n", text).strip()
    return text if len(text) <= _LONGEST else text[: _LONGEST - 2] + " …"
