"""Prices, as the shop's list writes them."""


def load(text: str) -> float:
    return float(text)
