import pytest

from primes.sieve import count_primes


@pytest.mark.parametrize(
    ("below", "primes"),
    [(-1, 0), (0, 0), (2, 0), (3, 1), (4, 2), (5, 2), (26, 9), (100, 25), (1_000_000, 78_498)],
)
def test_counted_primes(below: int, primes: int) -> None:
    assert count_primes(below) == primes
