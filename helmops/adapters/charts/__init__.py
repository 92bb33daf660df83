"""Where charts come from: Helm repositories and this machine, into one content-addressed cache."""

from helmops.adapters.charts.limits import Limits
from helmops.adapters.charts.source import ChartSources

__all__ = ["ChartSources", "Limits"]
