#!/usr/bin/env python3
"""Looks for a picture on an X screen, pixel by pixel: shot_match.py SHOT.xwd PICTURE.ppm [--lossy] [--inside WxH]

SHOT is what `xwd -root` writes (24 or 32 bits a pixel), PICTURE a binary PPM that amtgate-sim made: colour bars in the upper half,
a ramp of grey in the eighth below, then noise, then a lane. Wherever a viewer's window draws it, each pixel must have
exactly the picture's value.
  --lossy        for a viewer that asks for JPEG: the bars exactly, as far as no picture with noise reaches, and what is
                 below with a small mean error
  --inside WxH   for a viewer that keeps its size: the picture in the middle of a black one of that size, scaled down
                 if it is larger; of a scaled one the middle of each bar is looked at
Prints JSON: where it stands, or the first row that differs. Exit 0 when it is there."""
import argparse
import json
import struct
import sys

# Of quality 8 of 9, on noise, with the next bar's row inside a block.
MEAN_ERROR = 12


def read_ppm(name):
    with open(name, "rb") as f:
        data = f.read()
    head = data.split(maxsplit=4)[:4]
    if head[0] != b"P6" or head[3] != b"255":
        sys.exit(name + ": not a binary PPM of 8 bits")
    width, height = int(head[1]), int(head[2])
    return width, height, data[len(data) - 3 * width * height:]


def read_xwd(name):
    with open(name, "rb") as f:
        data = f.read()
    if len(data) < 100:
        sys.exit(name + ": not a screenshot")
    h = struct.unpack(">25I", data[:100])
    width, height, little, bits, stride, colours = h[4], h[5], h[7] == 0, h[11], h[12], h[19]
    pixels = data[h[0] + 12 * colours:]
    if bits not in (24, 32) or not little or 8 * stride < bits * width or len(pixels) < stride * height:
        sys.exit(name + ": not 24 or 32 bits a pixel")
    step = bits // 8
    if stride != step * width:
        pixels = b"".join(pixels[stride * y:stride * y + step * width] for y in range(height))
    rgb = bytearray(3 * width * height)
    for part in range(3):
        rgb[part::3] = pixels[2 - part:step * width * height:step]
    return width, height, bytes(rgb)


class Shot:
    def __init__(self, name):
        self.width, self.height, self.rgb = read_xwd(name)

    def row(self, x, y, n):
        at = 3 * (y * self.width + x)
        return self.rgb[at:at + 3 * n]

    def find(self, row):
        """Topmost place of a row of pixels, or None."""
        at, n = self.rgb.find(row), len(row) // 3
        while at >= 0:
            x, y = at // 3 % self.width, at // 3 // self.width
            if at % 3 == 0 and x + n <= self.width:
                return x, y
            at = self.rgb.find(row, at + 1)
        return None


def answer(found, **facts):
    print(json.dumps(facts))
    sys.exit(0 if found else 1)


def whole(shot, width, height, picture, lossy):
    row = lambda y: picture[3 * width * y:3 * width * (y + 1)]
    place = shot.find(row(0))
    if place is None:
        answer(False, why="its first row is nowhere")
    x, y = place
    if y + height > shot.height:
        answer(False, why="it does not fit", x=x, y=y)
    exact = height * 3 // 8 if lossy else height
    for i in range(exact):
        if shot.row(x, y + i, width) != row(i):
            is_, was = shot.row(x, y + i, width), row(i)
            at = next(n for n in range(len(was)) if is_[n] != was[n]) // 3
            answer(False, why="row %d differs from pixel %d on: %s, not %s" %
                   (i, at, is_[3 * at:3 * at + 3].hex(), was[3 * at:3 * at + 3].hex()), x=x, y=y)
    error = 0
    if lossy:
        for i in range(exact, height, 7):
            error += sum(abs(a - b) for a, b in zip(shot.row(x, y + i, width), row(i)))
        error = error / (3 * width * len(range(exact, height, 7)))
    answer(error <= MEAN_ERROR, x=x, y=y, width=width, height=height, mean_error=round(error, 2))


def inside(shot, width, height, picture, box_width, box_height):
    w, h = width, height
    if w > box_width or h > box_height:
        if w * box_height > h * box_width:
            w, h = box_width, max(1, h * box_width // w)
        else:
            w, h = max(1, w * box_height // h), box_height
    left, top = (box_width - w) // 2, (box_height - h) // 2
    if (w, h) == (width, height):
        padding = lambda n: bytes(3 * n)
        rows = [padding(left) + picture[3 * width * i:3 * width * (i + 1)] + padding(box_width - left - w)
                for i in range(height)]
        place = shot.find(rows[0])
        if place is None:
            answer(False, why="its first row is nowhere")
        rows = [padding(box_width)] * top + rows + [padding(box_width)] * (box_height - top - h)
        x, y = place[0], place[1] - top
        for i, row in enumerate(rows):
            if y + i < 0 or shot.row(x, y + i, box_width) != row:
                answer(False, why="row %d differs" % i, x=x, y=y)
        answer(True, x=x, y=y, width=box_width, height=box_height)
    # The edges of bars are means of two: what is between them is compared.
    bars = [picture[3 * (width * (2 * i + 1) // 16):][:3] for i in range(8)]
    across = w // 8 - 4
    first = shot.find(bars[0] * across + bars[0])
    if first is None:
        answer(False, why="the first bar is nowhere")
    x, y = first[0] - left, first[1] - top
    for i in range(8):
        at = x + left + w * i // 8 + 2
        for j in (1, h // 4, h * 3 // 8):
            if shot.row(at, y + top + j, across) != bars[i] * across:
                answer(False, why="bar %d differs in row %d" % (i, j), x=x, y=y)
    for j in range(0, top - 1):
        if shot.row(x, y + j, box_width) != bytes(3 * box_width):
            answer(False, why="row %d above it is not black" % j, x=x, y=y)
    answer(True, x=x, y=y, width=w, height=h)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("shot")
    p.add_argument("picture")
    p.add_argument("--lossy", action="store_true")
    p.add_argument("--inside")
    a = p.parse_args()
    width, height, picture = read_ppm(a.picture)
    shot = Shot(a.shot)
    if a.inside:
        inside(shot, width, height, picture, *map(int, a.inside.split("x")))
    else:
        whole(shot, width, height, picture, a.lossy)


if __name__ == "__main__":
    main()
