"""Networks as scikit-learn's estimators: a classifier and a regressor of images."""

from pellucid.estimator.classifier import ImageClassifier
from pellucid.estimator.regressor import ImageRegressor

__all__ = ["ImageClassifier", "ImageRegressor"]
