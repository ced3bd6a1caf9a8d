#!/usr/bin/env python3
"""Reads the gateway's caption off an X screen: caption_read.py SHOT.xwd

SHOT is what `xwd -root` writes, of a viewer that shows its pixels as they are. The caption is found by its border; the
letters are those of src/rfb/caption_font.cc. Prints its lines. Exit 1 when there is none."""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from shot_match import read_xwd

WIDTH, HEIGHT, PITCH, INSET = 7, 12, 14, 10  # of a letter; from line to line; from the box's edge to the text


def font():
    """Rows of bits, leftmost highest, to a letter: bands of sixteen letters side by side, a string to each row."""
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "../../../src/rfb/caption_font.cc")) as f:
        drawn = re.search(r"kDrawn\{(.*?)\};", f.read(), re.S).group(1)
    drawn = "".join(re.findall(r'"([.#]*)"', drawn))
    rows = [drawn[at:at + 16 * WIDTH] for at in range(0, len(drawn), 16 * WIDTH)]
    out = {}
    for i in range(95):
        band, x = rows[i // 16 * HEIGHT:(i // 16 + 1) * HEIGHT], i % 16 * WIDTH
        out[tuple(int(r[x:x + WIDTH].replace(".", "0").replace("#", "1"), 2) for r in band)] = chr(0x20 + i)
    return out


def main():
    width, height, rgb = read_xwd(sys.argv[1])
    grey = [rgb[i] if rgb[i] == rgb[i + 1] == rgb[i + 2] or abs(rgb[i] - rgb[i + 1]) < 10 else 0
            for i in range(0, len(rgb), 3)]
    row = lambda y: grey[y * width:(y + 1) * width]
    border = lambda v: 140 < v < 190
    letters = font()
    for y in range(height):
        line = "".join("b" if border(v) else " " for v in row(y))
        for found in re.finditer("b{60,}", line):
            left, right = found.start(), found.end()
            if not all(border(grey[(y + d) * width + left]) for d in range(1, 15) if y + d < height):
                continue
            if text := read(grey, width, height, left, right, y, letters):
                print("\n".join(text))
                return
    sys.exit(1)


def read(grey, width, height, left, right, top, letters):
    """The lines in the box whose border begins at (left, top); each stands in the middle."""
    out = []
    y = top + INSET - 4
    while y + HEIGHT < height:
        best = ""
        for columns in range((right - left) // WIDTH, 0, -1):
            x = left - 1 + (right - left + 2 - columns * WIDTH) // 2
            cells = [tuple(sum(1 << (WIDTH - 1 - c) for c in range(WIDTH)
                               if grey[(y + r) * width + x + n * WIDTH + c] > 220) for r in range(HEIGHT))
                     for n in range(columns)]
            if all(c in letters for c in cells):
                best = "".join(letters[c] for c in cells).strip()
                if best:
                    break
        if not best:
            return out
        out.append(best)
        y += PITCH
    return out


main()
