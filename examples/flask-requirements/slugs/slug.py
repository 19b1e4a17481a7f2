"""What a slug is: ASCII letters and digits, joined by single hyphens."""

import re
import unicodedata

# Letters that Unicode does not take apart into a base and an accent.
UNDECOMPOSED = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "đ": "d", "ł": "l"})


def slugify(title: str) -> str:
    lowered = title.lower().translate(UNDECOMPOSED)
    ascii_only = unicodedata.normalize("NFKD", lowered).encode("ascii", "ignore").decode()
    # Lowered once more: a sign such as "№" comes apart into a capital letter.
    return re.sub(r"[^a-z0-9]+", "-", ascii_only.lower()).strip("-")
