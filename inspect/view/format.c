/* SPDX-License-Identifier: MIT */
#include "inspect/view/format.h"

#include <inttypes.h>

void via__put_size(struct via__out *out, uint64_t n, bool exact)
{
	static const char units[] = " KMGTPE";
	double value = (double)n;
	size_t unit = 0;

	for (; !exact && value >= 1023.5; unit++)
		value /= 1024;
	if (!unit) {
		via__out_print(out, "%" PRIu64, n);
		return;
	}
	/* 1.2M, but 64K and 12M. */
	bool fraction = value < 9.95 && value != (double)(int)value;

	via__out_print(out, "%.*f%c", fraction, value, units[unit]);
}

void via__put_amount(struct via__out *out, int64_t n, bool exact)
{
	if (n < 0)
		via__out_print(out, "%" PRId64, n);
	else
		via__put_size(out, (uint64_t)n, exact);
}

void via__put_duration(struct via__out *out, int64_t ns, bool exact)
{
	int64_t s = ns / 1000000000, ms = ns / 1000000;

	if (exact)
		via__out_print(out, "%" PRId64 ".%03" PRId64, s, ms % 1000);
	else if (s < 1)
		via__out_print(out, "%" PRId64 "ms", ms);
	else if (s < 60)
		via__out_print(out, "%" PRId64 ".%" PRId64 "s", s,
			       ms / 100 % 10);
	else if (s < 3600)
		via__out_print(out, "%" PRId64 "m%02" PRId64 "s", s / 60,
			       s % 60);
	else if (s < 86400)
		via__out_print(out, "%" PRId64 "h%02" PRId64 "m", s / 3600,
			       s / 60 % 60);
	else
		via__out_print(out, "%" PRId64 "d%02" PRId64 "h", s / 86400,
			       s / 3600 % 24);
}
