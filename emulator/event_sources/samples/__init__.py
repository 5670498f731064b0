"""Events with made-up contents, built by what builds the real ones: `generate-event`."""

from emulator.event_sources.samples.catalog import SAMPLES, Sample
from emulator.event_sources.samples.files import FILES

__all__ = ["FILES", "SAMPLES", "Sample"]
