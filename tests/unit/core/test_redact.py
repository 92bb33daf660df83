"""No secret is ever shown: known ones in every form, unknown ones by their looks, those of Secrets by their place."""

from __future__ import annotations

import base64
import json
import time
import urllib.parse
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helmops.core.redact import AFTER, BEFORE, MASK, Redactor, mask_pair, mask_secret, mask_values

SECRET = "hunter2/ü+'\"x"

FORMS = {
    "plain": SECRET,
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64 for URLs": base64.urlsafe_b64encode(SECRET.encode()).decode(),
    "base64 without padding": base64.b64encode(SECRET.encode()).decode().rstrip("="),
    "JSON": json.dumps(SECRET)[1:-1],
    "JSON in UTF-8": json.dumps(SECRET, ensure_ascii=False)[1:-1],
    "single quotes": SECRET.replace("'", "''"),
    "URL": urllib.parse.quote(SECRET, safe=""),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_known_secret_is_replaced_in_every_form(form: str) -> None:
    assert Redactor.of([SECRET]).scrub(f"error: <{form}> is wrong") == f"error: <{MASK}> is wrong"


@pytest.mark.parametrize("lead", ["", "u:", "user:", "admin:", "root-user:"])
def test_base64_of_something_longer_shows_no_more_of_a_secret_than_its_edges(lead: str) -> None:
    text = base64.b64encode(f"{lead}correct-horse-battery@".encode()).decode()
    shown = Redactor.of(["correct-horse-battery"]).scrub(text)
    before, after = shown.split(MASK)
    assert text.startswith(before)
    assert text.endswith(after)
    assert len(before) <= len(lead) * 8 / 6 + 1
    assert len(after) <= 4


def test_the_longest_secret_goes_first() -> None:
    assert Redactor.of(["pass", "password", "word1"]).scrub("password1 pass") == f"{MASK}1 {MASK}"


def test_short_strings_are_left_alone() -> None:
    assert Redactor.of(["abc", "", " x "]).scrub("abc x") == "abc x"


def test_each_line_of_a_secret_is_one() -> None:
    redactor = Redactor.of(["first line\n  second line\nno\n"])
    assert redactor.scrub("second line") == MASK
    assert redactor.scrub("no first") == "no first"


def test_two_redactors_join() -> None:
    one, other = Redactor.of(["secret-1"]), Redactor.of(["secret-2"])
    assert Redactor.of([*one.secrets, *other.secrets]).scrub("secret-1 secret-2") == f"{MASK} {MASK}"
    assert Redactor.of(one.secrets) == one


def test_a_redactor_does_not_tell_its_secrets() -> None:
    assert "hunter2" not in repr(Redactor.of([SECRET]))


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----"

LOOKS = [
    ("https://user:pass@host/path", f"https://{MASK}@host/path"),
    ("https://user:p@ss@host", f"https://{MASK}@host"),
    ("https://token@host", f"https://{MASK}@host"),
    ('get "oci://u:p@reg:5000/x": denied', f'get "oci://{MASK}@reg:5000/x": denied'),
    ("https://host/a?b=1&access_token=abc&c=2", f"https://host/a?b=1&access_token={MASK}&c=2"),
    ("https://s3/x?X-Amz-Signature=abc&X-Amz-Date=1", f"https://s3/x?X-Amz-Signature={MASK}&X-Amz-Date=1"),
    ("Authorization: Basic dTpw", f"Authorization: Basic {MASK}"),
    ('"authorization": "Bearer abc"', f'"authorization": "Bearer {MASK}"'),
    ("Authorization: 0123456789abcdef", f"Authorization: {MASK}"),
    ("sent Bearer abcdefgh.ijk==", f"sent Bearer {MASK}"),
    ("helm --kube-token abc --password=def x", f"helm --kube-token {MASK} --password={MASK} x"),
    (f"token {JWT}.", f"token {MASK}."),
    (f"key:\n{KEY}\nrest", f"key:\n{MASK}\nrest"),
    (KEY.replace("RSA ", ""), MASK),
    (KEY.replace("RSA ", "ENCRYPTED "), MASK),
    (json.dumps({"key": KEY}), f'{{"key": "{MASK}"}}'),
    ("-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE", MASK),
]


@pytest.mark.parametrize(("text", "shown"), LOOKS, ids=[row[0][:40] for row in LOOKS])
def test_what_looks_like_a_secret_is_replaced(text: str, shown: str) -> None:
    assert Redactor().scrub(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "https://host/path@v1",
        "oci://registry.example.org/chart@sha256:0123",
        "ssh://git@example.org/repo",
        "mail me@example.org",
        "the bearer token is wrong",
        "authorization: denied",
        "https://host/?page=2&keyboard=x",
        "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
    ],
)
def test_what_does_not_is_left(text: str) -> None:
    assert Redactor().scrub(text) == text


words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="*"), min_size=4, max_size=12)


@given(st.lists(words, min_size=1, max_size=4), st.lists(st.text(max_size=8), min_size=2, max_size=5))
def test_no_known_secret_survives(secrets: list[str], between: list[str]) -> None:
    redactor = Redactor.of(secrets)
    shown = redactor.scrub(secrets[0].join(between))
    assert not any(secret in shown.replace(MASK, "\n") for secret in secrets)
    assert redactor.scrub(shown) == shown


VALUES: dict[str, Any] = {
    "replicas": 2,
    "auth": {"password": "hunter2", "enabled": True, "port": 5432},
    "url": "postgres://app:hunter2@db/x",
    "env": [{"name": "A", "value": "uses hunter2"}],
    "image": "web:1",
}


class TestValues:
    def test_what_stands_below_a_telling_key_is_masked_and_repeated_nowhere(self) -> None:
        assert mask_values(VALUES) == {
            "replicas": 2,
            "auth": {"password": MASK, "enabled": True, "port": MASK},
            "url": f"postgres://{MASK}@db/x",
            "env": [{"name": "A", "value": f"uses {MASK}"}],
            "image": "web:1",
        }

    def test_the_redactor_of_values_knows_the_same(self) -> None:
        assert Redactor.of_values(VALUES).scrub("hunter2 web:1") == f"{MASK} web:1"


def secret(data: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "data": data, **more}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class TestPairs:
    def test_equal_values_are_seen_to_be_equal_and_others_to_differ(self) -> None:
        old = secret({"same": "YQ==", "changed": "YQ==", "gone": "YQ=="})
        new = secret({"same": "YQ==", "changed": "YWFhYQ==", "new": "YQ=="})
        shown_old, shown_new = mask_pair(old, new)
        assert shown_old == secret({"same": MASK, "changed": BEFORE, "gone": MASK})
        assert shown_new == secret({"same": MASK, "changed": AFTER, "new": MASK})

    def test_one_alone(self) -> None:
        assert mask_secret(secret({"a": "YQ=="}, stringData={"b": "c"})) == secret({"a": MASK}, stringData={"b": MASK})
        assert mask_pair(None, secret({"a": "YQ=="})) == (None, secret({"a": MASK}))
        assert mask_pair(None, None) == (None, None)

    @pytest.mark.parametrize("data", ["text", ["a"], 7])
    def test_data_of_the_wrong_shape_are_masked_whole(self, data: Any) -> None:
        assert mask_secret(secret(data)) == secret(MASK)  # type: ignore[arg-type]

    @pytest.mark.parametrize("data", [None, {}])
    def test_no_data(self, data: Any) -> None:
        assert mask_secret(secret(data)) == secret(data)

    @pytest.mark.parametrize(
        ("value", "other"), [(1, 1), (None, None), ({"a": "b"}, {"a": "b"})], ids=["number", "null", "mapping"]
    )
    def test_values_of_the_wrong_type_are_masked_too(self, value: Any, other: Any) -> None:
        assert mask_pair(secret({"a": value}), secret({"a": other}))[0] == secret({"a": MASK})

    def test_what_kubectl_applied_last_is_masked_in_every_object(self) -> None:
        key = "kubectl.kubernetes.io/last-applied-configuration"
        obj = {"kind": "ConfigMap", "metadata": {"annotations": {key: "{…}", "a": "b"}}, "data": {"x": "y"}}
        assert mask_secret(obj) == {**obj, "metadata": {"annotations": {key: MASK, "a": "b"}}}

    def test_data_repeated_elsewhere_in_the_secret_are_masked_there(self) -> None:
        metadata = {"name": "hunter2", "annotations": {"note": "was hunter2, now hunter3", "b64": encoded("hunter2")}}
        old = secret({"p": encoded("hunter2")}, metadata=metadata)
        shown, _ = mask_pair(old, secret({}, stringData={"p": "hunter3"}))
        assert shown is not None
        assert shown["metadata"] == {
            "name": "hunter2",
            "annotations": {"note": f"was {MASK}, now {MASK}", "b64": MASK},
        }

    def test_secrets_within_lists_and_other_objects(self) -> None:
        def wrapped(value: str) -> dict[str, Any]:
            return {"kind": "List", "items": [{"kind": "Pod"}, {"spec": {"template": secret({"a": value})}}]}

        old, new = mask_pair(wrapped("YQ=="), wrapped("Yg=="))
        assert (old, new) == (wrapped(BEFORE), wrapped(AFTER))

    def test_a_secret_of_another_group_is_one_too(self) -> None:
        assert mask_secret({"apiVersion": "x/v1", "kind": "Secret", "data": {"a": "b"}})["data"] == {"a": MASK}

    def test_other_objects_stay_as_they_are(self) -> None:
        obj = {"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "b"}}
        assert mask_pair(obj, {**obj, "data": {}}) == (obj, {**obj, "data": {}})

    @given(st.dictionaries(st.sampled_from("abc"), words), st.dictionaries(st.sampled_from("abc"), words))
    def test_neither_length_nor_content_can_be_told(self, one: dict[str, str], other: dict[str, str]) -> None:
        old, new = mask_pair(secret(one), secret(other))
        assert old is not None
        assert new is not None
        assert {*old["data"].values(), *new["data"].values()} <= {MASK, BEFORE, AFTER}
        for key in one.keys() & other.keys():
            assert (old["data"][key] == new["data"][key]) == (one[key] == other[key])


@pytest.mark.parametrize(
    "text",
    ["eyJaaaaaaaa-", "eyJaaaaaaaa.", "&a-token", "?token", "://a", "-----BEGIN PRIVATE KEY----- -----END ", "bearer "],
)
def test_no_text_takes_long(text: str) -> None:
    started = time.perf_counter()
    Redactor.of(["secret"]).scrub(text * 20_000)
    assert time.perf_counter() - started < 1


# ---------------------------------------------------------------- environment variables
def test_a_value_takes_its_sound_from_the_name_beside_it() -> None:
    values = {"env": [{"name": "DB_PASSWORD", "value": "correct-horse"}, {"name": "MODE", "value": "fast"}]}
    shown = mask_values({**values, "url": "db?x=correct-horse"})
    assert shown["env"] == [{"name": "DB_PASSWORD", "value": MASK}, {"name": "MODE", "value": "fast"}]
    assert shown["url"] == f"db?x={MASK}"


def test_words_that_are_everywhere_are_no_secrets() -> None:
    assert Redactor.of_values({"auth": {"enabled": "true"}}).secrets == ()


def test_of_an_environment_variable_that_sounds_like_a_secret_is_told_that_it_differs() -> None:
    def deployment(value: str) -> dict[str, Any]:
        env = [{"name": "API_TOKEN", "value": value}, {"name": "MODE", "value": value}]
        return {"kind": "Deployment", "spec": {"containers": [{"name": "web", "env": env}]}}

    old, new = mask_pair(deployment("correct-horse"), deployment("battery-staple"))
    assert old
    assert new
    assert old["spec"]["containers"][0]["env"][0] == {"name": "API_TOKEN", "value": BEFORE}
    assert new["spec"]["containers"][0]["env"][0] == {"name": "API_TOKEN", "value": AFTER}
    assert new["spec"]["containers"][0]["env"][1] == {"name": "MODE", "value": "battery-staple"}


def test_what_the_secrets_among_objects_hold_is_known() -> None:
    encoded = base64.b64encode(b"correct-horse").decode()
    objects = [
        {"kind": "Secret", "data": {"a": encoded}, "stringData": {"b": "battery-staple"}},
        {"kind": "ConfigMap", "data": {"c": "in the clear"}},
    ]
    scrub = Redactor.of_objects(objects).scrub
    assert scrub(f"{encoded} correct-horse battery-staple in the clear") == f"{MASK} {MASK} {MASK} in the clear"
