"""Equations in index notation: read, print, solve for ranges, evaluate, differentiate; networks lie above."""
