"""Animations of equations that read windows: a window slides over one plane, and another fills in."""

from pellucid.explain.animation.animation import Animation, animate, check_gif

__all__ = ["Animation", "animate", "check_gif"]
