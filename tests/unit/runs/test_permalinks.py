"""Addresses of the dashboard's pages."""

from cadence.domain.shared.permalinks import run_permalink, treatment_permalink


def test_a_run_has_one_address_below_any_root():
    assert run_permalink("01hx") == "/ui/runs/01hx"
    assert run_permalink("01hx", "https://cadence.example/") == "https://cadence.example/ui/runs/01hx"


def test_names_of_treatments_are_one_segment_of_the_path():
    assert treatment_permalink("01hx", "main/build#2") == "/ui/runs/01hx/t/main%2Fbuild%232"


def test_a_treatments_address_names_an_attempt_if_one_is_meant():
    assert treatment_permalink("01hx", "build", attempt=2) == "/ui/runs/01hx/t/build?attempt=2"
