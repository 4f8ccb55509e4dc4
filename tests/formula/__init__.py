"""Tests of the calculus of formulas."""
