/* SPDX-License-Identifier: MIT */
/*
 * A snapshot as JSON, from the tables of fields.h: a record on each line, so
 * that little memory is needed and grep(1) finds one.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "inspect/view/fields.h"
#include "inspect/view/json.h"

/* Beyond, readers that have only doubles would round it. */
#define EXACT (UINT64_C(1) << 53)

static json_t *number(const struct via__field *f, uint64_t value)
{
	bool negative = f->is_signed && (int64_t)value < 0;

	if (negative && (int64_t)value == VIA_UNKNOWN)
		return json_null();
	if ((negative ? 0 - value : value) <= EXACT)
		return json_integer((json_int_t)value);
	return negative ? json_sprintf("%lld", (long long)value)
			: json_sprintf("%llu", (unsigned long long)value);
}

static json_t *numbers(const struct via__field *f, const void *record)
{
	json_t *list = json_array();
	bool any = false;

	for (size_t i = 0; i < f->n; i++) {
		uint64_t value = via__field_get(f, record, i);

		any |= value;
		if (json_array_append_new(list, number(f, value)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	if (!any)
		json_array_clear(list);
	return list;
}

static json_t *set(const struct via__field *f, uint64_t bits)
{
	json_t *list = json_array();

	for (unsigned int i = 0; bits; i++, bits >>= 1)
		if (bits & 1 && *f->word(i) &&
		    json_array_append_new(list, json_string(f->word(i))) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

/* Bytes as text, or in an object as base64: of a list's strings. */
static json_t *argument(const char *bytes, size_t len)
{
	json_t *text = json_stringn(bytes, len);

	return text ? text
		    : json_pack("{so}", "base64", via__json_base64(bytes, len));
}

static json_t *arguments(const char *at, size_t len)
{
	json_t *list = json_array();

	for (const char *end = at + len; at < end;) {
		size_t n = strnlen(at, (size_t)(end - at));

		if (json_array_append_new(list, argument(at, n)) < 0) {
			json_decref(list);
			return NULL;
		}
		at += n + 1;
	}
	return list;
}

static int set_bytes(json_t *o, const struct via__field *f, const char *bytes,
		     size_t len)
{
	char name[64];

	if (!len)
		return 0;
	snprintf(name, sizeof(name), "%s_base64", f->key);
	return via__json_set_bytes(o, f->key, name, bytes, len);
}

/* The value of a field with its key, unless it is what a new record has. */
static int set_field(json_t *o, const struct via_snapshot *s,
		     const struct via__field *f, const void *record)
{
	const char *at = (const char *)record + f->offset;
	uint64_t value = via__field_get(f, record, 0);
	const char *word;
	size_t len;

	if (f->type == VIA__CHARS)
		return set_bytes(o, f, at, strnlen(at, f->n));
	if (f->n > 1) {
		json_t *list = numbers(f, record);

		if (!list || json_array_size(list))
			return json_object_set_new(o, f->key, list);
		json_decref(list);
		return 0;
	}
	if (!f->required && value == (uint64_t)f->none)
		return 0;
	switch (f->type) {
	case VIA__LETTER:
		return set_bytes(o, f, at, 1);
	case VIA__TEXT:
		at = via_snapshot_text(s, (uint32_t)value, &len);
		return set_bytes(o, f, at, len);
	case VIA__ARGS:
		at = via_snapshot_text(s, (uint32_t)value, &len);
		return json_object_set_new(o, f->key, arguments(at, len));
	case VIA__WORD:
		word = f->word((unsigned int)value);
		/* A newer kernel has states that we have no word for. */
		return *word ? json_object_set_new(o, f->key, json_string(word))
			     : 0;
	case VIA__SET:
		return json_object_set_new(o, f->key, set(f, value));
	default:
		return json_object_set_new(o, f->key, number(f, value));
	}
}

/* Writing: errno is the only one who knows why. */
static int failed(void)
{
	return errno ? -errno : -EIO;
}

static int save_record(FILE *file, const struct via_snapshot *s,
		       const struct via__record *r, const void *record)
{
	json_t *o = json_object();
	int err = o ? 0 : -1;

	for (const struct via__field *f = r->fields; !err && f->key; f++)
		err = set_field(o, s, f, record);
	if (!err && json_dumpf(o, file, JSON_COMPACT) < 0)
		err = ferror(file) ? failed() : -1;
	json_decref(o);
	return err == -1 ? -ENOMEM : err;
}

static int save_records(FILE *file, const struct via_snapshot *s,
			const struct via__record *r)
{
	const char *array, *base = (const char *)s;
	uint32_t n;
	int err = 0;

	memcpy(&array, base + r->array, sizeof(array));
	memcpy(&n, base + r->count, sizeof(n));
	fprintf(file, ",\n\"%s\":[", r->name);
	for (uint32_t i = 0; !err && i < n; i++) {
		fputs(i ? ",\n" : "\n", file);
		err = save_record(file, s, r, array + i * r->size);
	}
	putc(']', file);
	return err;
}

int via_snapshot_save(const struct via_snapshot *s, FILE *file)
{
	errno = 0;
	fprintf(file, "{\"via_inspect\":%d,\n\"%s\":", VIA__JSON_VERSION,
		via__sight_record.name);
	int err = save_record(file, s, &via__sight_record, &s->sight);

	for (size_t i = 0; !err && i < VIA__N_RECORDS; i++)
		err = save_records(file, s, &via__records[i]);
	fputs("}\n", file);
	if (!err && (fflush(file) < 0 || ferror(file)))
		err = failed();
	return err;
}
