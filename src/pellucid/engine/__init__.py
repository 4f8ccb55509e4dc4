"""Engines run networks: one interface, the same names and conventions, results equal within a stated bound."""
