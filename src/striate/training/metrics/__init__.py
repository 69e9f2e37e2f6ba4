"""Metrics as sums over samples, and the set of metrics that training reports."""

from striate.training.metrics.base import CustomMetric, Metric
from striate.training.metrics.metric_set import MetricSet, Scores, loss_sum, output_names, to_scores
from striate.training.metrics.names import (
    CLASSES,
    NAMED,
    check_supported,
    default_metrics,
    metric_function,
    metric_named,
)

__all__ = [
    "CLASSES",
    "NAMED",
    "CustomMetric",
    "Metric",
    "MetricSet",
    "Scores",
    "check_supported",
    "default_metrics",
    "loss_sum",
    "metric_function",
    "metric_named",
    "output_names",
    "to_scores",
]
