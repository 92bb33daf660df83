"""How registries are told who asks: they say by a challenge what they want to hear.

The password goes to the registry when that asks for Basic, and to the realm that the registry names when that asks for
a token, over TLS. The token goes to the registry only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import orjson

from helmops.adapters.charts.limits import INDEX_SETTING, Limits
from helmops.adapters.charts.oci_place import Place
from helmops.adapters.charts.once import Once
from helmops.adapters.http import Cap, Http, basic, shown_url
from helmops.api.model import Credentials
from helmops.errors import Forbidden, InputError, NotFound

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_PART = rf'(?P<name>[A-Za-z0-9_-]+)\s*(?:=\s*(?P<value>{_QUOTED}|[^\s,"]*))?[\s,]*'
_SENDABLE = r"[\x21-\x7e]{1,16000}"

# Reading is all that is ever asked for; Azure wants another word for the list of tags.
_READING = frozenset({"pull", "metadata_read"})


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to be told: ``scheme`` in lower case, parameters by name in lower case."""

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)


def challenges(header: str) -> Iterator[Challenge]:
    """The challenges of ``WWW-Authenticate``, in order, as far as it can be read."""
    made: Challenge | None = None
    for part in re.finditer(_PART, header):
        if part["value"] is None:
            if made:
                yield made
            made = Challenge(part["name"].lower())
        elif made:
            made.parameters.setdefault(part["name"].lower(), _unquoted(part["value"]))
    if made:
        yield made


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text


class Authorizations:
    """What to send in ``Authorization``, by repository and credentials."""

    def __init__(self, http: Http, limits: Limits) -> None:
        self._http = http
        self._cap = Cap(limits.manifest, INDEX_SETTING)
        self._held: dict[tuple[Place, Credentials | None], str] = {}
        self._asked: Once[str] = Once()

    def held(self, place: Place, credentials: Credentials | None) -> str:
        """What did the last time; empty at first."""
        return self._held.get((place, credentials), "")

    async def answer(self, place: Place, credentials: Credentials | None, header: str, refused: str) -> str:
        """What to send after a challenge; ``refused`` is what was sent. Who was refused the same waits for one answer.

        Forbidden when there is nothing to say to it.
        """
        key = (place, credentials, refused)
        made = await self._asked.get(key, lambda: self._answer(place, credentials, header))
        if made == refused:
            raise Forbidden(f"{place} does not take the credentials")
        self._held[place, credentials] = made
        return made

    async def _answer(self, place: Place, credentials: Credentials | None, header: str) -> str:
        for challenge in challenges(header):
            if challenge.scheme == "bearer" and "realm" in challenge.parameters:
                return "Bearer " + await self._token(place, credentials, challenge.parameters)
            if challenge.scheme == "basic" and credentials:
                return basic(credentials)
        raise Forbidden(f"{place} wants {'other ' if credentials else ''}credentials")

    async def _token(self, place: Place, credentials: Credentials | None, asked: Mapping[str, str]) -> str:
        realm = asked["realm"]
        _safe(place, realm)
        question = {"scope": _scope(place, asked.get("scope", ""))}
        if "service" in asked:
            question["service"] = asked["service"]
        url = f"{realm}{'&' if urlsplit(realm).query else '?'}{urlencode(question)}"
        try:
            response = await self._http.get(url, cap=self._cap, credentials=credentials)
        except NotFound as error:
            raise InputError(f"{place} sends for a token to where there is none: {error.message}") from error
        return _read_token(response.body, f"{shown_url(realm)}, where {place} sends for a token,")


def _safe(place: Place, realm: str) -> None:
    """InputError for a password over plain HTTP, unless it is for the server that was allowed to be asked so."""
    shown = shown_url(realm)  # raises for what cannot be read
    parts = urlsplit(realm)
    own = place.insecure and parts.hostname == urlsplit(place.url("")).hostname
    if parts.scheme == "http" and not own:
        raise InputError(f"{place} sends for a token to {shown}, over plain HTTP")


def _scope(place: Place, asked: str) -> str:
    """What the registry asks for if that is reading this repository, else that."""
    own = f"repository:{place.repository}:"
    words = asked.removeprefix(own).split(",")
    return asked if asked.startswith(own) and _READING.issuperset(words) else f"{own}pull"


def _read_token(body: bytes, where: str) -> str:
    try:
        answer = orjson.loads(body)
    except ValueError:
        answer = None
    answer = answer if isinstance(answer, dict) else {}
    token = answer.get("token") or answer.get("access_token")
    if not isinstance(token, str) or not re.fullmatch(_SENDABLE, token):
        raise InputError(f"{where} answers with none")
    return token
