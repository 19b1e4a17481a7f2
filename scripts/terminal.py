"""Draws what a command printed, colours and all, as a picture of a terminal: `terminal.py PICTURE < OUTPUT`.

Chromium does the drawing and ImageMagick the cropping; the font is DejaVu Sans Mono. Knows the few codes that the command line
uses: bold, faint and four colours.
"""

import html
import re
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

STYLES = {"1": "bold", "2": "faint", "31": "red", "32": "green", "33": "yellow", "36": "cyan"}

PAGE = """<!doctype html><meta charset="utf-8"><style>
* { margin: 0; box-sizing: border-box }
html, body { background: transparent; width: %(width)spx }
main { background: #14161b; border: 1px solid #2b2f39; border-radius: 10px; overflow: hidden }
header { display: flex; gap: 8px; padding: 12px 14px 2px }
header i { width: 11px; height: 11px; border-radius: 50%%; background: #3a3f4b }
pre { font: 13px/19px "DejaVu Sans Mono", monospace; color: #d5d9e2; padding: 10px 18px 18px; white-space: pre }
.bold { color: #fff; font-weight: bold } .faint { color: #7f8796 }
.green { color: #6ccb8b } .red { color: #f27878 } .yellow { color: #e6c06a } .cyan { color: #6cc4d9 }
</style><main><header><i></i><i></i><i></i></header><pre>%(text)s</pre></main>"""

COLUMN, LINE = 7.83, 19
"""Pixels that a character takes in that font."""

SPARE = 200
"""Pixels that the window is larger than what is drawn in it."""


def columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


def marked_up(output: str) -> str:
    open_styles = 0
    parts: list[str] = []
    for piece in re.split(r"(\x1b\[[0-9;]*m)", output):
        if not piece.startswith("\x1b["):
            parts.append(html.escape(piece))
            continue
        codes = [code for code in piece[2:-1].split(";") if code not in {"", "0"}]
        if not codes:
            parts.append("</span>" * open_styles)
            open_styles = 0
        for code in codes:
            parts.append(f'<span class="{STYLES[code]}">')
            open_styles += 1
    return "".join(parts)


def main() -> None:
    picture = Path(sys.argv[1]).resolve()
    output = sys.stdin.read().rstrip("\n")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output).split("\n")
    width = int(max(map(columns, plain)) * COLUMN) + 2 * 18 + 2 + 8
    height = len(plain) * LINE + 10 + 18 + 25 + 2
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(PAGE % {"width": width, "text": marked_up(output)})
        subprocess.run(
            [
                "chromium",
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--force-device-scale-factor=2",
                "--default-background-color=00000000",
                f"--user-data-dir={folder}/profile",
                f"--window-size={width + SPARE},{height + SPARE}",
                f"--screenshot={picture}",
                page.as_uri(),
            ],
            check=True,
            stderr=subprocess.DEVNULL,
            timeout=120,
        )
    # The window is larger than the page, by what different versions keep for themselves.
    subprocess.run(["convert", picture, "-trim", "+repage", "-strip", picture], check=True)


main()
