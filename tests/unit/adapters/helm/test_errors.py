"""What helm says, word for word as Helm 4.2.3 and 3.19.0 said it against Kubernetes 1.36, and what is made of it."""

from __future__ import annotations

import pytest

from helmops.adapters.helm.errors import clean, failure

OWNERSHIP = (
    'nable to continue with install: Service "own" in namespace "ns" exists and cannot be imported into the current '
    'release: invalid ownership metadata; label validation error: missing key "app.kubernetes.io/managed-by": must be '
    'set to "Helm"'
)
FORBIDDEN = (
    'could not get information about the resource Service "a" in namespace "ns": services "a" is forbidden: User '
    '"jane" cannot get resource "services" in API group "" in the namespace "ns"'
)
IMMUTABLE = (
    'Deployment.apps "im" is invalid: spec.selector: Invalid value: {"matchLabels":{"example.org/track":"b"}}: '
    "field is immutable"
)
DEADLINE = "context deadline exceeded\n"
HELM4 = [
    ("render", "INSTALLATION FAILED: execution error at (faulty/templates/deployment.yaml:2:4): asked for this"),
    ("render", 'demo/templates/a.yaml:1:13\n  executing "demo/templates/a.yaml" at <.Values.x.y>:\n    nil pointer'),
    ("render", "chart requires kubeVersion: >=1.99 which is incompatible with Kubernetes v1.36.0"),
    ("render", "YAML parse error on demo/templates/a.yaml: error converting YAML to JSON: yaml: line 1: did not"),
    (
        "render",
        "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to "
        "fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: nix",
    ),
    (
        "schema",
        "INSTALLATION FAILED: values don't meet the specifications of the schema(s) in the following chart(s):\n"
        "faulty:\n- at '': missing property 'thisValueIsRequired'\n\n",
    ),
    (
        "unknown-field",
        "INSTALLATION FAILED: server-side apply failed for object ns/a apps/v1, Kind=Deployment: failed to create "
        "typed patch object (ns/a; apps/v1, Kind=Deployment): .spec.replicsa: field not declared in schema",
    ),
    (
        "other",
        "INSTALLATION FAILED: unable to build kubernetes objects from release manifest: resource mapping not found for "
        'name: "a" namespace: "" from "": no matches for kind "Unheard" in version "nowhere.helmops.test/v1"\n'
        "ensure CRDs are installed first",
    ),
    (
        "other",
        'INSTALLATION FAILED: server-side apply failed for object ns/a /v1, Kind=Service: Service "a" is invalid: '
        "spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535, inclusive",
    ),
    (
        "hook",
        "INSTALLATION FAILED: failed pre-install: resource Job/ns/a not ready. status: Failed, message: Job Failed",
    ),
    (
        "hook",
        "UPGRADE FAILED: pre-upgrade hooks failed: resource Job/ns/a not ready. status: InProgress, message: Job in "
        "progress\n" + DEADLINE,
    ),
    ("immutable", "UPGRADE FAILED: server-side apply failed for object ns/im apps/v1, Kind=Deployment: " + IMMUTABLE),
    ("ownership", "INSTALLATION FAILED: u" + OWNERSHIP),
    ("forbidden", "INSTALLATION FAILED: unable to continue with install: " + FORBIDDEN),
    (
        "forbidden",
        'UPGRADE FAILED: query: failed to query with labels: secrets is forbidden: User "jane" cannot list resource',
    ),
    (
        "forbidden",
        "INSTALLATION FAILED: cluster reachability check failed: kubernetes cluster unreachable: the server has asked "
        "for the client to provide credentials",
    ),
    (
        "unreachable",
        'INSTALLATION FAILED: cluster reachability check failed: kubernetes cluster unreachable: Get "https://127.0.0.1'
        ':1/version": dial tcp 127.0.0.1:1: connect: connection refused',
    ),
    ("unreachable", 'UPGRADE FAILED: Get "https://a.example/version": dial tcp: lookup a.example: no such host'),
    ("not-found", 'INSTALLATION FAILED: create: failed to create: namespaces "nope" not found'),
    ("not-found", 'UPGRADE FAILED: "a" has no deployed releases'),
    ("not-found", "release has no 99 version"),
    ("not-found", "uninstall: Release not loaded: a: release: not found"),
    ("pending", "UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress"),
    ("cancelled", "UPGRADE FAILED: context canceled"),
    ("timeout", "UPGRADE FAILED: resource Deployment/ns/a not ready. status: InProgress, message: 0/2\n" + DEADLINE),
    ("timeout", "release a failed: resource Deployment/ns/a not ready. status: InProgress, message: 1/2\n" + DEADLINE),
    (
        "conflict",
        "conflict occurred while applying object ns/b apps/v1, Kind=Deployment: Apply failed with 1 conflict: conflict "
        'with "kubectl" with subresource "scale" using apps/v1: .spec.replicas',
    ),
    ("other", 'INSTALLATION FAILED: path "/nope" not found'),
]
HELM3 = [
    ("render", 'template: demo/templates/a.yaml:1:13: executing "demo/templates/a.yaml" at <.Values.x.y>: nil pointer'),
    ("hook", "INSTALLATION FAILED: failed pre-install: 1 error occurred:\n\t* job a failed: BackoffLimitExceeded\n\n"),
    (
        "hook",
        "UPGRADE FAILED: pre-upgrade hooks failed: 1 error occurred:\n\t* timed out waiting for the condition\n\n",
    ),
    ("immutable", 'UPGRADE FAILED: cannot patch "im" with kind Deployment: ' + IMMUTABLE),
    ("ownership", "INSTALLATION FAILED: U" + OWNERSHIP),
    ("forbidden", "INSTALLATION FAILED: Unable to continue with install: " + FORBIDDEN),
    (
        "forbidden",
        "INSTALLATION FAILED: Kubernetes cluster unreachable: the server has asked for the client to provide "
        "credentials",
    ),
    ("unreachable", 'INSTALLATION FAILED: Kubernetes cluster unreachable: context "nope" does not exist'),
    ("timeout", "UPGRADE FAILED: context deadline exceeded"),
    ("timeout", "release a failed: timed out waiting for the condition"),
]


@pytest.mark.parametrize(("kind", "text"), HELM4 + HELM3)
def test_each_failure_has_its_kind(kind: str, text: str) -> None:
    assert failure(f"Error: {text}\n".encode(), str, where="ns/a").kind == kind


def test_a_failure_names_the_release_and_the_next_step() -> None:
    error = failure(b'Error: UPGRADE FAILED: "a" is invalid: field is immutable\n', str, where="ns/a")
    assert str(error) == 'ns/a: "a" is invalid: field is immutable'
    assert "delete the object first" in error.hint


def test_log_lines_and_wrapping_are_left_out() -> None:
    text = (
        'level=WARN msg="upgrade failed" name=a error="context deadline exceeded"\n'
        'I1122 22:07:46.141299    9070 warnings.go:110] "Warning: unknown field \\"spec.replicsa\\""\n'
        "2026/11/22 22:07:46 warning: cannot overwrite table with non table\n"
        "WARNING: Kubernetes configuration file is group-readable. This is insecure.\n"
        "Release a has been cancelled.\n"
        "Error: UPGRADE FAILED: failed to create: failed to create: resource x\n"
        "\tcontext deadline exceeded\n\n"
        "Use --debug flag to render out invalid YAML\n"
    )
    assert clean(text) == "failed to create: resource x\ncontext deadline exceeded"


def test_the_address_of_the_gate_is_left_out() -> None:
    address = "http://127.0.0.1:40013/" + "x" * 43
    text = f'Error: UPGRADE FAILED: Get "{address}/api/v1/secrets": connection refused'
    assert clean(text) == 'Get "the API server/api/v1/secrets": connection refused'


def test_values_are_scrubbed_before_anything_else() -> None:
    error = failure(b"Error: bad value s3cret: s3cret\n", lambda text: text.replace("s3cret", "***"), where="ns/a")
    assert error.message == "bad value ***: ***"


def test_a_value_that_is_a_telling_word_does_not_hide_the_kind() -> None:
    error = failure(b"Error: context deadline exceeded\n", lambda text: text.replace("deadline", "***"), where="ns/a")
    assert (error.kind, error.message) == ("timeout", "context *** exceeded")


def test_silence_and_noise_still_say_something() -> None:
    assert failure(b"", str, where="ns/a").message == "helm failed and did not say why"
    assert failure(b"\xff\xfe", str, where="ns/a").kind == "other"


def test_an_endless_text_is_cut() -> None:
    assert len(failure(b"Error: " + b"x" * 100_000, str, where="ns/a").message) == 4_000
