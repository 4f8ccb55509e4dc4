"""The tests of pellucid; a package, so that tests can import the fixtures by name."""
