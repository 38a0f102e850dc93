"""Rendering: one template per kind of output file."""
