"""The distribution protocol, as much of it as charts need."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Literal
from urllib.parse import quote

from helmops.adapters.charts import oci_manifest as manifests
from helmops.adapters.charts.limits import CHART_SETTING, INDEX_SETTING, Budget, Limits
from helmops.adapters.charts.oci_auth import Authorizations
from helmops.adapters.charts.oci_manifest import Manifest
from helmops.adapters.charts.oci_place import Place, is_digest, named
from helmops.adapters.http import Cap, Http, Response
from helmops.api.model import Credentials
from helmops.errors import Forbidden, InputError, NotFound

MAX_PAGES = 1000
PAGE = 1000


class Registry:
    """All registries, as one user: ``credentials`` None is nobody."""

    def __init__(self, http: Http, authorizations: Authorizations, limits: Limits, who: Credentials | None) -> None:
        self._http = http
        self._authorizations = authorizations
        self._limits = limits
        self._who = who

    async def digest(self, place: Place, tag: str) -> str:
        """What a tag stands for, by one HEAD; empty when the registry does not say. NotFound."""
        headers = {"Accept": manifests.ACCEPT}
        answer = await self._ask(place, f"manifests/{tag}", self._manifest_cap, headers, method="HEAD")
        said = answer.headers.get("docker-content-digest", "")
        return said if is_digest(said) else ""

    async def manifest(self, place: Place, reference: str) -> Manifest:
        """By tag or digest. NotFound; InputError when it is no chart's, or not the one of the digest."""
        where = named(place, reference)
        answer = await self._ask(place, f"manifests/{reference}", self._manifest_cap, {"Accept": manifests.ACCEPT})
        actual = manifests.digest_of(answer.body)
        said = reference if is_digest(reference) else answer.headers.get("docker-content-digest", actual)
        if is_digest(said) and said != actual:
            hint = "a cache in between may be broken; else treat the registry as tampered with"
            raise InputError(f"is not the manifest that was asked for: its digest is {actual}", where=where, hint=hint)
        return manifests.read_manifest(answer.body, where)

    async def tags(self, place: Place) -> list[str]:
        """All of them, page by page. NotFound when there is no such repository."""
        found: dict[str, None] = {}
        asked: set[str] = set()
        size, question = 0, f"n={PAGE}"
        while question and len(asked) < MAX_PAGES and question not in asked:
            asked.add(question)
            answer = await self._ask(place, f"tags/list?{question}", Cap(self._limits.index, INDEX_SETTING))
            size += len(answer.body)
            if size > self._limits.index:
                hint = f"if that is as it should be, raise {INDEX_SETTING}"
                raise InputError(f"the tags of {place} take more than {self._limits.index:,} bytes", hint=hint)
            page = manifests.read_tags(answer.body, f"the list of tags of {place}")
            question = manifests.next_page(answer.headers.get("link", "")) or _after(page, found)
            found.update(dict.fromkeys(page))
        if question:
            raise InputError(f"the list of tags of {place} does not end after {len(asked)} pages")
        return list(found)

    async def archive(self, place: Place, manifest: Manifest) -> bytes:
        """The packed chart that a manifest names, as it came: who asked checks it. Capped before it is fetched."""
        Budget(self._limits, str(place)).archive(manifest.size)
        # No encoding: a server that "unpacks" a .tgz on its way would change its digest.
        headers = {"Accept-Encoding": "identity"}
        cap = Cap(self._limits.archive, CHART_SETTING)
        try:
            return (await self._ask(place, f"blobs/sha256:{manifest.archive}", cap, headers)).body
        except NotFound as error:
            raise InputError(f"{error.message}, though the manifest names it") from error

    @property
    def _manifest_cap(self) -> Cap:
        return Cap(self._limits.manifest, INDEX_SETTING)

    async def _ask(
        self,
        place: Place,
        path: str,
        cap: Cap,
        headers: Mapping[str, str] | None = None,
        method: Literal["GET", "HEAD"] = "GET",
    ) -> Response:
        """With what the registry wants to hear; it may say so once."""

        async def send(authorization: str, *, challenge: bool) -> Response:
            sent = {**(headers or {}), **({"Authorization": authorization} if authorization else {})}
            return await self._http.ask(place.url(path), cap=cap, headers=sent, method=method, challenge=challenge)

        held = self._authorizations.held(place, self._who)
        try:
            answer = await send(held, challenge=True)
            if answer.status != 401:
                return answer
            wanted = answer.headers.get("www-authenticate", "")
            return await send(await self._authorizations.answer(place, self._who, wanted, held), challenge=False)
        except Forbidden as error:
            raise Forbidden(error.message, hint=_HINTS[self._who is not None]) from error


_HINTS = {
    False: "it wants credentials and was given none, or there is no such repository",
    True: "the credentials do not do, or there is no such repository",
}


def _after(page: Sequence[str], known: Container[str]) -> str:
    """The question for what may come after a full page: some registries cut the list short and do not say so."""
    full = len(page) == PAGE and page[-1] not in known
    return f"n={PAGE}&last={quote(page[-1])}" if full else ""
