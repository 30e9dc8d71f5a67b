/* SPDX-License-Identifier: MIT */
/*
 * What the inspector reads of other processes line by line: mappings, locks,
 * members of epoll sets; and the words around a futex. Names and words are
 * theirs, so anything may be there.
 */
#include <errno.h>

#include "inspect/collect/futex.h"
#include "inspect/collect/locks.h"
#include "inspect/collect/maps.h"
#include "inspect/collect/polled.h"
#include "tests/fuzz/fuzz.h"

static void check_map(const char *line)
{
	struct via__map m;
	int err = via__maps_parse(line, &m);

	check(err == 0 || err == -EPROTO);
	if (err)
		return;
	check(m.start < m.end);
	check(m.name > line && m.name <= line + strlen(line));
	check(m.name[0] != ' ');
}

static void check_lock(const char *line)
{
	struct via__lock_line l;
	int err = via__locks_parse(line, &l);

	check(err == 0 || err == -EPROTO);
	check(err || l.type <= VIA_FILE_LEASE);
}

static void check_futex(const uint8_t *data, size_t len)
{
	struct via__futex_wait w = {0};

	if (len < 8)
		return;
	w.op = data[0];
	w.shared = data[1] & 1;
	memcpy(&w.value, data + 4, sizeof(w.value));
	w.len = len - 8 < sizeof(w.bytes) ? len - 8 : sizeof(w.bytes);
	memcpy(w.bytes, data + 8, w.len);
	struct via__futex_owner o = via__futex_owner(&w);

	check(o.tid >= 0);
	check(o.tid || o.use == VIA_FUTEX_UNKNOWN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = text_of(data, size);
	uint32_t events;
	int fd;

	check_map(line);
	check_lock(line);
	(void)via__polled_parse(line, &fd, &events);
	check_futex(data, size);
	free(line);
	return 0;
}
