/* SPDX-License-Identifier: MIT */
/*
 * Keeping calls: one line is begun before each call and completed after it, so
 * that a call which never returns is seen too.
 */
#include "lab/record.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct lab_record *lab_record;
static _Thread_local char who[LAB_WHO_MAX];

void lab_be(const char *name)
{
	snprintf(who, sizeof(who), "%s", name);
}

/* Text of its own length, cut where the room ends. */
struct text {
	char *at;
	size_t left;
};

static void put(struct text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void put(struct text *t, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	int n = vsnprintf(t->at, t->left, format, list);

	va_end(list);
	size_t len = n < 0 ? 0 : (size_t)n;

	len = len < t->left ? len : t->left - 1;
	t->at += len;
	t->left -= len;
}

/* Length of the first of the arguments, which commas divide. */
static size_t argument_len(const char *s)
{
	int depth = 0;
	char quote = '\0';
	size_t i = 0;

	for (; s[i] && (depth || quote || s[i] != ','); i++) {
		if (quote) {
			if (s[i] == '\\' && s[i + 1])
				i++;
			else if (s[i] == quote)
				quote = '\0';
		} else if (s[i] == '"' || s[i] == '\'') {
			quote = s[i];
		} else {
			depth += s[i] == '(' || s[i] == '[' || s[i] == '{';
			depth -= s[i] == ')' || s[i] == ']' || s[i] == '}';
		}
	}
	return i;
}

/* Whether the source alone says what the value is: 0644, 'x', O_RDONLY. */
static bool is_plain(const char *s, size_t len)
{
	if (isdigit((unsigned char)*s) || *s == '-' || *s == '"' || *s == '\'')
		return true;
	for (size_t i = 0; i < len; i++)
		if (islower((unsigned char)s[i]))
			return false;
	return true;
}

static void put_arguments(struct text *t, const char *source,
			  const struct lab__value *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = argument_len(source);

		put(t, "%s%.*s", i ? ", " : "", (int)len, source);
		if (values[i].is_number && !is_plain(source, len))
			put(t, "=%lld", values[i].number);
		source += len;
		source += strspn(source, ", ");
	}
}

static void put_result(struct text *t, struct lab__value r,
		       enum lab__style style, int error)
{
	if (style == LAB__NUMBER && r.number)
		put(t, "%s", strerrorname_np((int)r.number) ?: "?");
	else if (r.number == -1)
		put(t, "-1 %s", strerrorname_np(error) ?: "");
	else if (r.is_number)
		put(t, "%lld", r.number);
	else
		put(t, "%#llx", r.number);
}

struct lab_call *lab__enter(const char *function, const char *arguments,
			    const struct lab__value *values, size_t n)
{
	struct lab_record *r = lab_record;
	/* Relaxed: calls of concurrent processes have no order to keep. */
	unsigned int next = atomic_fetch_add_explicit(&r->n_calls, 1,
						      memory_order_relaxed);
	static struct lab_call lost;
	struct lab_call *c = next < LAB_CALLS_MAX ? &r->calls[next] : &lost;
	struct text t = {c->text, sizeof(c->text)};

	memcpy(c->who, who, sizeof(who));
	put(&t, "%s(", function);
	put_arguments(&t, arguments, values, n);
	put(&t, ")");
	atomic_store_explicit(&c->state, LAB_CALL_BEGUN, memory_order_release);
	return c;
}

static void note_object(struct lab_call *c, long long id)
{
	if (id < 0)
		return;
	if (strncmp(c->text, "shmget(", 7) == 0)
		c->family = LAB_SYSV_SHM;
	else if (strncmp(c->text, "semget(", 7) == 0)
		c->family = LAB_SYSV_SEM;
	else if (strncmp(c->text, "msgget(", 7) == 0)
		c->family = LAB_SYSV_MSG;
	c->id = (int)id;
}

/* Make a call that repeats the one before it a count there, if nothing has
 * come after it meanwhile. */
static bool merge(struct lab_call *c)
{
	struct lab_record *r = lab_record;
	unsigned int i = (unsigned int)(c - r->calls), next = i + 1;

	if (i == 0 || i >= LAB_CALLS_MAX || c->family ||
	    r->calls[i - 1].state != LAB_CALL_DONE ||
	    strcmp(r->calls[i - 1].text, c->text) != 0 ||
	    strcmp(r->calls[i - 1].who, c->who) != 0)
		return false;
	if (!atomic_compare_exchange_strong(&r->n_calls, &next, i))
		return false;
	r->calls[i - 1].times++;
	return true;
}

void lab__leave(struct lab_call *c, struct lab__value result,
		enum lab__style style)
{
	int error = errno;
	size_t len = strlen(c->text);
	struct text t = {c->text + len, sizeof(c->text) - len};

	put(&t, " = ");
	put_result(&t, result, style, error);
	note_object(c, result.number);
	c->times = 1;
	/* Pairs with the acquire of who reads the record. */
	if (!merge(c))
		atomic_store_explicit(&c->state, LAB_CALL_DONE,
				      memory_order_release);
	errno = error;
}
