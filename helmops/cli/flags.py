"""What the command line and Helm's environment say about where to go.

As a plugin helmops never sees Helm's global flags: Helm takes them, wherever they stand, and hands them over in the
environment. As ``helmops`` it reads them itself, before and after the subcommand. A flag goes before Helm's
environment, which goes before KUBECONFIG.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from helmops.errors import Refused

KUBECONFIG, CONTEXT, NAMESPACE, DEBUG = "kubeconfig", "kube_context", "namespace", "debug"

OTHER_CLUSTER = {
    "HELM_KUBEAPISERVER": "--kube-apiserver",
    "HELM_KUBETOKEN": "--kube-token",
    "HELM_KUBECAFILE": "--kube-ca-file",
    "HELM_KUBEINSECURE_SKIP_TLS_VERIFY": "--kube-insecure-skip-tls-verify",
    "HELM_KUBETLS_SERVER_NAME": "--kube-tls-server-name",
    "HELM_KUBEASUSER": "--kube-as-user",
    "HELM_KUBEASGROUPS": "--kube-as-group",
}
"""Words of Helm that would lead helm and helmops to different places, or make them different people."""


@dataclass(frozen=True, slots=True)
class Flags:
    """Global flags, Helm's environment already taken into account. Empty strings mean: not given.

    ``namespace`` may be Helm's guess as well as the user's word: Helm hands over one name for both.
    """

    kubeconfig: str = ""
    kube_context: str = ""
    namespace: str = ""
    debug: bool = False
    environ: Mapping[str, str] = field(default_factory=dict)
    namespace_flag: bool = False

    @property
    def program(self) -> str:
        """What the user types to start us, for hints that can be pasted."""
        return program(self.environ)

    def check(self) -> None:
        """Refused when Helm's environment names a cluster or a user in a way that is not supported."""
        for variable, flag in OTHER_CLUSTER.items():
            if self.environ.get(variable, "").lower() not in ("", "false", "0"):
                hint = f"put it into a kubeconfig and name that with --kubeconfig; unset {variable} if it is set there"
                raise Refused(f"{flag} ({variable}) is not supported by helmops yet", hint=hint)


def resolve(given: Mapping[str, object], environ: Mapping[str, str]) -> Flags:
    """``given``: the global flags as they were parsed, without those that were not there."""
    namespace = str(given.get(NAMESPACE) or "")
    return Flags(
        kubeconfig=str(given.get(KUBECONFIG) or ""),
        kube_context=str(given.get(CONTEXT) or "") or environ.get("HELM_KUBECONTEXT", ""),
        namespace=namespace or environ.get("HELM_NAMESPACE", ""),
        debug=bool(given.get(DEBUG)) or wants_debug(environ),
        environ=environ,
        namespace_flag=bool(namespace),
    )


def wants_debug(environ: Mapping[str, str]) -> bool:
    """Whether Helm was asked for ``--debug``."""
    return environ.get("HELM_DEBUG", "").lower() in ("1", "t", "true")


def program(environ: Mapping[str, str]) -> str:
    """What the user types to start us."""
    return "helm helmops" if environ.get("HELM_PLUGIN_DIR") else "helmops"
