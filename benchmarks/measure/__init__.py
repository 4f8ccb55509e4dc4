"""How things are measured and written down."""
