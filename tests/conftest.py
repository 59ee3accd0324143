from hypothesis import settings

# The default run is the same every time and does not fail because a machine is slow; to look further:
# pytest --hypothesis-profile=explore
settings.register_profile("default", deadline=None, derandomize=True, database=None)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("default")
