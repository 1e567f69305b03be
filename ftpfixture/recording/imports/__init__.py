"""Dialogues that people paste into bug reports, as recordings: one module for each format of log."""
