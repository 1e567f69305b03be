"""Faults as data: when, where and what goes wrong. This package decides; `net` performs it."""
