/* SPDX-License-Identifier: MIT */
/* Numbers for a person, short enough for a column. */
#ifndef INSPECT_VIEW_FORMAT_H
#define INSPECT_VIEW_FORMAT_H

#include <stdint.h>

#include "inspect/view/escape.h"

/* "1.5K" in steps of 1024; exact: "1536". */
void via__put_size(struct via__out *out, uint64_t n, bool exact);

/* The same of what may be below 0. */
void via__put_amount(struct via__out *out, int64_t n, bool exact);

/* "350ms", "5.2s", "3m12s", "2h05m", "4d03h"; exact: seconds, "312.005". */
void via__put_duration(struct via__out *out, int64_t ns, bool exact);

#endif
