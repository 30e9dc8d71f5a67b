#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make a text file a C string, because C17 has no #embed.

embed.py FILE OUTPUT [PREFIX]: OUTPUT defines const char PREFIX + NAME_SUFFIX[],
ended by a NUL.
"""
import pathlib
import sys

source, output = map(pathlib.Path, sys.argv[1:3])
prefix = "".join(sys.argv[3:])
data = source.read_bytes() + b"\0"
lines = (data[i : i + 16] for i in range(0, len(data), 16))
output.write_text(
    "extern const char {0}[];\n\nconst char {0}[] = {{\n{1}}};\n".format(
        prefix + source.name.replace(".", "_"),
        "".join("\t%s,\n" % ",".join(map(str, line)) for line in lines),
    )
)
