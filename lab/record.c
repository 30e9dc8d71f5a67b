/* SPDX-License-Identifier: MIT */
/* Writing into the record, from any process of the experiment, and judging. */
#include "lab/record.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- Expectations --- */

static void keep_claim(const struct lab_claimed *claim)
{
	struct lab_record *r = lab_record;
	unsigned int next = atomic_load(&r->n_claims);

	if (next > 0 && next <= LAB_CLAIMS_MAX) {
		struct lab_claimed *last = &r->claims[next - 1];

		if (atomic_load(&last->times) && last->held == claim->held &&
		    strcmp(last->text, claim->text) == 0) {
			atomic_fetch_add(&last->times, 1);
			return;
		}
	}
	next = atomic_fetch_add(&r->n_claims, 1);
	if (next < LAB_CLAIMS_MAX) {
		r->claims[next] = *claim;
		/* Pairs with the acquire of who reads the record. */
		atomic_store_explicit(&r->claims[next].times, 1,
				      memory_order_release);
	}
}

static void name_value(char *out, size_t size, enum lab__kind kind,
		       long long value)
{
	if (kind == LAB__ERROR && value)
		snprintf(out, size, "%s", strerrorname_np((int)value) ?: "?");
	else if (kind == LAB__ERROR)
		snprintf(out, size, "no error");
	else if (kind == LAB__ADDRESS)
		snprintf(out, size, "%#llx", value);
	else
		snprintf(out, size, "%lld", value);
}

void lab__expect(const struct lab__claim *claim)
{
	int error = errno;
	struct lab_claimed c = {
		.held = claim->held != lab_record->inverted,
		.blind = !atomic_load(&lab_record->n_calls),
	};

	snprintf(c.text, sizeof(c.text), "%s %s %s", claim->what, claim->op,
		 claim->expected);
	name_value(c.observed, sizeof(c.observed), claim->kind,
		   claim->observed);
	keep_claim(&c);
	errno = error;
}

void lab__expect_text(const char *what, const void *bytes, size_t len,
		      const char *expected)
{
	bool same = len == strlen(expected) && !memcmp(bytes, expected, len);
	struct lab_claimed c = {
		.held = same != lab_record->inverted,
		.blind = !atomic_load(&lab_record->n_calls),
	};
	size_t shown = len < sizeof(c.observed) - 3 ? len
						    : sizeof(c.observed) - 3;

	snprintf(c.text, sizeof(c.text), "%s == \"%s\"", what, expected);
	snprintf(c.observed, sizeof(c.observed), "\"%.*s\"", (int)shown,
		 (const char *)bytes);
	for (char *s = c.observed; *s; s++)
		if (!isprint((unsigned char)*s))
			*s = '?';
	keep_claim(&c);
}

/* --- The rest --- */

void lab__figure(const char *name, const char *unit, double value)
{
	struct lab_record *r = lab_record;
	unsigned int i = atomic_fetch_add(&r->n_figures, 1);

	if (i >= LAB_FIGURES_MAX)
		return;
	struct lab_figure *f = &r->figures[i];

	snprintf(f->name, sizeof(f->name), "%s", name);
	snprintf(f->unit, sizeof(f->unit), "%s", unit);
	f->value = value;
	/* Pairs with the acquire of who reads the record. */
	atomic_store_explicit(&f->ready, true, memory_order_release);
}

void lab__skip(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(lab_record->skipped, LAB_TEXT_MAX, format, list);
	va_end(list);
	_exit(0);
}

void lab__stop(const char *function, int error)
{
	snprintf(lab_record->stopped, LAB_TEXT_MAX, "%s: %s", function,
		 strerror(error));
	_exit(0);
}

/* --- Judging --- */

enum lab_verdict lab_verdict(const struct lab_record *r)
{
	if (*r->skipped)
		return LAB_SKIPPED;
	if (*r->stopped || !r->n_claims || r->n_claims > LAB_CLAIMS_MAX)
		return LAB_DIFFERS;
	for (unsigned int i = 0; i < r->n_claims; i++)
		if (!r->claims[i].times || !r->claims[i].held)
			return LAB_DIFFERS;
	return LAB_HOLDS;
}

const char *lab_vacuity(const struct lab_record *r)
{
	if (*r->stopped)
		return r->stopped;
	if (!r->n_claims)
		return "expects nothing";
	if (r->n_claims > LAB_CLAIMS_MAX)
		return "expects more than can be kept";
	for (unsigned int i = 0; i < r->n_claims; i++) {
		if (r->claims[i].held)
			return "expects what cannot fail";
		if (r->claims[i].blind)
			return "expects before it has called anything";
	}
	return NULL;
}
