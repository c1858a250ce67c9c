"""2D poses of several people: what a bottom-up network's candidates become, in numpy.

`photo` (decoding and fitting of images) also needs OpenCV, and is therefore imported by its name.
"""

from converter.bodypose.candidates import Limbs, Peaks, match
from converter.bodypose.facts import NetworkFacts
from converter.bodypose.people import People, PeopleAssembler

__all__ = ["Limbs", "NetworkFacts", "Peaks", "People", "PeopleAssembler", "match"]
