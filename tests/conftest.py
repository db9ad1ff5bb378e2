"""One Hypothesis profile for all: no deadline, because the machines that run this are shared."""

from hypothesis import settings

settings.register_profile("suite", deadline=None)
settings.load_profile("suite")
