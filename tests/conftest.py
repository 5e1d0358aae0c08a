"""What holds for all tests: a property is judged by what it shows, not by luck nor by how busy the machine is."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "pbxnb", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
settings.load_profile("pbxnb")
