"""Equations in index notation: read, print, solve for ranges, evaluate, differentiate.  Knows nothing of networks."""
