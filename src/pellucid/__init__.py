"""Convolutional networks in which every number can be followed back to its formula."""

__version__ = "0.1.0"
