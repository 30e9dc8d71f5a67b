# SPDX-License-Identifier: MIT
"""embed.py OBJECT OUTPUT: make a program for the kernel a C array."""
import pathlib
import sys

source, output = map(pathlib.Path, sys.argv[1:])
data = source.read_bytes()
lines = (data[i:i + 16] for i in range(0, len(data), 16))
output.write_text(
    '#include "inspect/collect/bpf_object.h"\n\n'
    '_Alignas(8) const unsigned char via__bpf_object[] = {\n'
    + ''.join('\t%s,\n' % ','.join(map(str, line)) for line in lines)
    + '};\nconst size_t via__bpf_object_len = sizeof(via__bpf_object);\n')
