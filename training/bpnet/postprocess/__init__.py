"""Heatmaps and part-affinity fields to people, in numpy."""

from training.bpnet.postprocess.people import PeopleParser

__all__ = ["PeopleParser"]
