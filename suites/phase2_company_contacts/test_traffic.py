"""What customers asked last, drawn from an access log (--traffic), asked again: each request against PostgreSQL."""

from fixtures.traffic.requests import CustomerRequests


def test_customers_get_right_answers(customers: CustomerRequests, stage: slice) -> None:
    customers.require_right_answers(stage)


def test_customers_wait_no_longer(customers: CustomerRequests, block: int) -> None:
    customers.measure_latency(block)
