"""The client of a VMA's progress API."""
