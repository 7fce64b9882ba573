#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes header_slots.h: a table that has one slot for each name in header.h.

Run it in this folder after a change of SIP_HEADERS. A name's key is made of its first eight and its last
eight bytes (lower case; one word for shorter names) and its length; the multiplier is searched until no two
names meet in a slot, so that a lookup is one multiplication and one comparison.
"""
import random
import re

BITS = 10
MASK = (1 << 64) - 1
names = [("SIP_HEADER_" + i, n.lower(), c) for i, n, c in re.findall(r'X\((\w+), "([^"]+)", (0|\'.\'),', open("header.h").read())]


def word(text):
    return int.from_bytes(bytes(b | 0x20 for b in text.encode()), "little")


def key(name):
    if len(name) < 8:
        return word(name), word(name)
    return word(name[:8]), word(name[-8:])


def slot(name, multiplier):
    first, last = key(name)
    return ((((first ^ len(name)) + (last << 1)) & MASK) * multiplier & MASK) >> (64 - BITS)


entries = [(i, n) for i, n, _ in names]
source = random.Random(1)
while True:
    multiplier = source.getrandbits(64) | 1
    if len({slot(n, multiplier) for _, n in entries}) == len(entries):
        break

with open("header_slots.h", "w") as out:
    out.write("/* SPDX-License-Identifier: Apache-2.0 */\n")
    out.write("/* Written by header_slots.py from header.h; do not edit. */\n")
    out.write('#ifndef FEDGE_SIP_HEADER_SLOTS_H\n#define FEDGE_SIP_HEADER_SLOTS_H\n#include "sip/header.h"\n')
    out.write(f"#define HEADER_SLOT_BITS {BITS}\n#define HEADER_SLOT_MULTIPLIER UINT64_C(0x{multiplier:016x})\n")
    out.write("/* clang-format off */\n")
    out.write("static const uint8_t header_slots[1 << HEADER_SLOT_BITS] = {\n")
    for at, ident in sorted((slot(n, multiplier), i) for i, n in entries):
        out.write(f"\t[{at}] = {ident},\n")
    out.write("};\nstatic const uint8_t header_compacts[26] = {\n")
    for letter, ident in sorted((c[1], i) for i, _, c in names if c != "0"):
        out.write(f"\t['{letter}' - 'a'] = {ident},\n")
    out.write("};\n\nstruct header_key {\n\tuint64_t first;\n\tuint64_t middle; /* of names of more than 16 bytes: the second eight */\n\tuint64_t last;\n\tuint64_t length;\n};\n")
    out.write("static const struct header_key header_keys[SIP_HEADER_COUNT] = {\n")
    for i, n, _ in names:
        first, last = key(n)
        middle = word(n[8:16]) if len(n) > 16 else 0
        out.write(f"\t[{i}] = {{ UINT64_C(0x{first:016x}), UINT64_C(0x{middle:016x}), UINT64_C(0x{last:016x}), {len(n)} }},\n")
    out.write("};\n/* clang-format on */\n#endif\n")
