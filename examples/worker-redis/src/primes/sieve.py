"""The work itself, which knows neither queue nor web."""

from math import isqrt


def count_primes(below: int) -> int:
    """Counts the primes smaller than `below`, with the sieve of Eratosthenes."""
    if below <= 2:
        return 0
    is_prime = bytearray([1]) * below
    is_prime[0:2] = b"\0\0"
    for number in range(2, isqrt(below - 1) + 1):
        if is_prime[number]:
            multiples = range(number * number, below, number)
            is_prime[multiples.start :: number] = bytes(len(multiples))
    return sum(is_prime)
