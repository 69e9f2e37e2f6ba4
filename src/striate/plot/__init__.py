"""Plots with Matplotlib (extra `notebook`): curves, confusion matrix, calibration, images, augmentation, filters, maps.

Each function draws into the axes that it is given, or into a new figure, and returns the axes.
"""

from striate.plot.figures import calibration, confusion_matrix, curves
from striate.plot.images import augmentation, images
from striate.plot.layers import attribution, feature_maps, filters

__all__ = [
    "attribution",
    "augmentation",
    "calibration",
    "confusion_matrix",
    "curves",
    "feature_maps",
    "filters",
    "images",
]
