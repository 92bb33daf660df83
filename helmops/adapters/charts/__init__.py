"""Where charts come from: repositories, registries, git and this machine, into one content-addressed cache."""

from helmops.adapters.charts.limits import Limits
from helmops.adapters.charts.source import ChartSources

__all__ = ["ChartSources", "Limits"]
