"""A cluster in memory: the ports ``Cluster``, ``Storage`` and ``Locks`` in one, for they share one state."""

from __future__ import annotations

from helmops.testing.leases import FakeLeases


class FakeCluster(FakeLeases):
    """Everything of a cluster that the engine sees.

    ====================  ==========================================================================
    objects               ``apply``, ``write``, ``edit``, ``scale``, ``remove``, ``find``, ``serve``
    namespaces            ``add_namespace``, ``has_namespace``
    Helm's records        ``put_release``, ``drop_release``, ``revisions``, ``release``
    Leases                ``leave_lease``, ``steal_lease``, ``writers_gone``, ``held``
    faults and counts     ``fail_next``, ``calls``
    time                  ``now``
    ====================  ==========================================================================
    """
