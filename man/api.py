#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The section 3 pages, made from the comments in include/via/*.h.

    api.py LIBRARY list HEADER...           print the names of the pages
    api.py LIBRARY DATE OUTDIR HEADER...    write them

LIBRARY.3 has the comment at the top of each header, the types and a list of the
calls; each call has a page of its own.
"""
import re
import sys
from pathlib import Path

WHAT = {
    "libvia": "messages between Linux processes over any mechanism",
    "libvia-inspect": "what processes hold, share and wait for",
}

COMMENT = re.compile(r"/\*(.*?)\*/\s*", re.S)
CALL = re.compile(r"VIA_API\s+([^;{]*?\b(via_\w+)\s*\([^;]*\))"
                  r"\s*(?:VIA_OFTEN)?\s*;", re.S)
TYPE = re.compile(r"((?:enum|struct) (via_\w+) \{.*?\n\};)", re.S)


def text_of(comment):
    """The lines of a comment without its frame."""
    lines = [re.sub(r"^\s*\* ?", "", line)
             for line in comment.strip(" ").split("\n")]
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def escape(line):
    line = line.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + line if line[:1] in ".'" else line


def laid_out(paragraph):
    """Whether its lines are a table, to be kept as they are."""
    return any(re.search(r"\S {2,}\S|^ |^\t", line)
               for line in paragraph.split("\n"))


def roff(text):
    out = []
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        if laid_out(paragraph):
            lines = [escape(line) for line in paragraph.split("\n")]
            # A display makes its own space.
            out += [".Bd -literal", *lines, ".Ed"]
        else:
            # A new sentence begins a line: mdoc(7).
            flowing = " ".join(paragraph.split())
            lines = re.split(r"(?<=[.:])\s+(?=[A-Z])", flowing)
            out += [".Pp", *map(escape, lines)]
    return "\n".join(out[1:] if out[:1] == [".Pp"] else out)


def first_sentence(text):
    sentence = re.split(r"[.:;](?:\s|$)", " ".join(text.split()))[0]
    # Not of a word in capitals.
    return re.sub(r"^[A-Z](?![A-Z])", lambda m: m.group().lower(), sentence)


def parse(path):
    """The header's own comment, its types, and its calls with comments."""
    source = path.read_text()
    comments = [m for m in COMMENT.finditer(source)
                if "SPDX" not in m.group(1)]
    intro = text_of(comments[0].group(1))
    before = {m.end(): text_of(m.group(1)) for m in comments}
    types = [(m.group(2), before.get(m.start(), ""), m.group(1))
             for m in TYPE.finditer(source)]
    calls = [(m.group(2), before.get(m.start(), ""), m.group(1))
             for m in CALL.finditer(source)]
    for name, comment, _ in calls:
        if not comment:
            sys.exit(f"{path}: {name} has no comment")
    return intro, types, calls


def head(library, date, title, names, what):
    flag = escape(library.replace("lib", "-l", 1))
    named = " ,\n.Nm ".join(names)
    return (f".\\\" SPDX-License-Identifier: MIT\n.Dd {date}\n"
            f".Dt {title.upper()} 3\n.Os\n.Sh NAME\n.Nm {named}\n.Nd {what}\n"
            f".Sh LIBRARY\n{escape(library)} ({flag})\n.Sh SYNOPSIS\n")


def literal(code):
    lines = [escape(line) for line in code.split("\n")]
    return "\n".join([".Bd -literal", *lines, ".Ed"]) + "\n"


def call_page(library, date, header, name, comment, prototype):
    return (head(library, date, name, [name], escape(first_sentence(comment))) +
            f".In {header}\n" + literal(prototype + ";") +
            ".Sh DESCRIPTION\n" + roff(comment) +
            f"\n.Sh SEE ALSO\n.Xr {library} 3 ,\n.Xr via 7\n")


def overview(library, date, parsed):
    page = head(library, date, library, [library], WHAT[library])
    first = "via/via.h" if library == "libvia" else parsed[0][0]
    page += f".In {first}\n.Sh DESCRIPTION\n"
    page += roff("\n\n".join(intro for _, intro, _, _ in parsed))
    page += "\n.Sh CALLS\n.Bl -tag -width Ds -compact\n"
    for _, _, _, calls in parsed:
        for name, comment, _ in calls:
            page += f".It Xr {name} 3\n{escape(first_sentence(comment))}\n"
    page += ".El\n.Sh TYPES\n"
    for _, _, types, _ in parsed:
        for name, comment, code in types:
            page += f".Ss {name}\n{roff(comment)}\n{literal(code)}"
    return page + ".Sh SEE ALSO\n.Xr via 1 ,\n.Xr via 7\n"


def parse_all(paths):
    return [(f"via/{path.name.removesuffix('.in')}", *parse(path))
            for path in map(Path, paths)]


def main():
    library = sys.argv[1]
    if sys.argv[2] == "list":
        names = [name for _, _, _, calls in parse_all(sys.argv[3:])
                 for name, _, _ in calls]
        print("\n".join(f"{name}.3" for name in [library, *names]))
        return
    date, outdir = sys.argv[2], Path(sys.argv[3])
    parsed = parse_all(sys.argv[4:])
    pages = {library: overview(library, date, parsed)}
    for header, _, _, calls in parsed:
        for name, comment, prototype in calls:
            pages[name] = call_page(library, date, header, name, comment,
                                    prototype)
    for name, page in pages.items():
        (outdir / f"{name}.3").write_text(page)


if __name__ == "__main__":
    main()
