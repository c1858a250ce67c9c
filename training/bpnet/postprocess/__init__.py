"""Heatmaps and part-affinity fields to people, in numpy."""

from training.bpnet.postprocess.people import People, PeopleParser

__all__ = ["People", "PeopleParser"]
