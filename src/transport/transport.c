/* SPDX-License-Identifier: MIT */
/* The table of transports, and what small things they all share. */
#include "transport/transport.h"

#include <errno.h>
#include <string.h>

#define TRANSPORT(name)                                                        \
	extern const struct via__transport via__transport_##name;
#include "transport/transports.def"
#undef TRANSPORT

const struct via__transport *const via__transports[] = {
#define TRANSPORT(name) &via__transport_##name,
#include "transport/transports.def"
#undef TRANSPORT
	NULL,
};

const struct via__transport *via__transport_find(const char *scheme)
{
	for (size_t i = 0; via__transports[i]; i++)
		if (!strcmp(via__transports[i]->info.scheme, scheme))
			return via__transports[i];
	return NULL;
}

const struct via_mechanism *via_mechanism_at(size_t i)
{
	for (size_t n = 0; via__transports[n]; n++)
		if (n == i)
			return &via__transports[n]->info;
	return NULL;
}

const struct via_mechanism *via_mechanism_find(const char *scheme)
{
	const struct via__transport *t = via__transport_find(scheme);

	return t ? &t->info : NULL;
}

int via_mechanism_probe(const struct via_mechanism *m)
{
	const struct via__transport *t = via__transport_find(m->scheme);

	if (!t)
		return -EPROTONOSUPPORT;
	return t->probe ? t->probe() : 0;
}

int via__out_next(const struct via__out *out, size_t max, struct iovec *iov)
{
	size_t skip = out->done;
	int n = 0;

	if (skip < out->prefix_len) {
		size_t len = out->prefix_len - skip;

		len = len < max ? len : max;
		iov[n++] = (struct iovec){(char *)out->prefix + skip, len};
		max -= len;
		skip = 0;
	} else {
		skip -= out->prefix_len;
	}
	if (max && skip < out->len) {
		size_t len = out->len - skip;

		len = len < max ? len : max;
		iov[n++] = (struct iovec){(char *)out->data + skip, len};
	}
	return n;
}
