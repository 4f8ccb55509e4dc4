"""Damaged and hostile files: each module makes them for some formats, reads them and judges what happened."""
