"""Counts primes: the web takes the question, a worker finds the answer."""
