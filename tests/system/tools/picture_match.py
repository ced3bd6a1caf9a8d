#!/usr/bin/env python3
"""Finds a picture in a screenshot and counts the pixels that are the same: picture_match.py SHOT.ppm PICTURE.ppm

Both are binary PPM. The screenshot may be larger (window decorations): the place with most matches is searched, with
a sample of the picture's pixels. A colour counts as the same when each part differs by no more than 8: 5 and 6 bit
parts of RGB565 are expanded in different ways. Prints JSON; exit 0 when at least 99.5 % are the same."""
import json
import random
import sys

TOLERANCE = 8
MARGIN = 80  # of decorations on the left and above


def read(name):
    with open(name, "rb") as f:
        data = f.read()
    words, at = [], 0
    while len(words) < 4:
        while data[at:at + 1].isspace():
            at += 1
        if data[at:at + 1] == b"#":
            at = data.index(b"\n", at)
            continue
        end = at
        while not data[end:end + 1].isspace():
            end += 1
        words.append(data[at:end])
        at = end
    if words[0] != b"P6" or words[3] != b"255":
        sys.exit(name + ": not a binary PPM of 8 bits")
    return int(words[1]), int(words[2]), data[at + 1:]


def main():
    sw, sh, shot = read(sys.argv[1])
    pw, ph, picture = read(sys.argv[2])

    def same(p, q):
        return abs(shot[p] - picture[q]) <= TOLERANCE and abs(shot[p + 1] - picture[q + 1]) <= TOLERANCE and abs(shot[p + 2] - picture[q + 2]) <= TOLERANCE

    if sw < pw or sh < ph:
        sys.exit("the screenshot (%dx%d) is smaller than the picture (%dx%d)" % (sw, sh, pw, ph))
    rng = random.Random(1)
    sample = [(rng.randrange(pw), rng.randrange(ph)) for _ in range(400)]
    best, where = -1, (0, 0)
    for dy in range(min(MARGIN, sh - ph) + 1):
        for dx in range(min(MARGIN, sw - pw) + 1):
            hits = 0
            for n, (x, y) in enumerate(sample):
                hits += same(((y + dy) * sw + x + dx) * 3, (y * pw + x) * 3)
                if n == 40 and hits < 20:
                    break
            if hits > best:
                best, where = hits, (dx, dy)
    dx, dy = where
    equal = sum(same(((y + dy) * sw + x + dx) * 3, (y * pw + x) * 3) for y in range(ph) for x in range(pw))
    print(json.dumps({"equal": equal, "pixels": pw * ph, "percent": round(100 * equal / (pw * ph), 3), "x": dx, "y": dy, "width": pw, "height": ph}))
    sys.exit(0 if equal >= 0.995 * pw * ph else 1)


main()
