#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make a file part of a program, because C17 has no #embed.

embed.py FILE OUTPUT [PREFIX]: OUTPUT defines const char PREFIX + NAME_SUFFIX[],
ended by a NUL that does not count, and unsigned long PREFIX + NAME_SUFFIX_len.
"""
import pathlib
import sys

source, output = map(pathlib.Path, sys.argv[1:3])
prefix = "".join(sys.argv[3:])
data = [b - 256 if b > 127 else b for b in source.read_bytes()] + [0]
lines = (data[i : i + 16] for i in range(0, len(data), 16))
# The length is no size_t, so that nothing has to be included; what reads an
# object file wants it aligned.
output.write_text(
    "extern const char {0}[];\nextern const unsigned long {0}_len;\n\n"
    "_Alignas(8) const char {0}[] = {{\n{1}}};\n"
    "const unsigned long {0}_len = sizeof({0}) - 1;\n".format(
        prefix + source.name.replace(".", "_"),
        "".join("\t%s,\n" % ",".join(map(str, line)) for line in lines),
    )
)
