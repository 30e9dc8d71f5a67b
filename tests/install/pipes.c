/* SPDX-License-Identifier: MIT */
/* A program outside the tree: its own pipes, as the inspector sees them. */
#include <stdio.h>
#include <unistd.h>

#include <via/inspect.h>

static int list(const struct via_snapshot *s)
{
	uint32_t process = via_snapshot_process(s, getpid());
	int n = 0;

	if (process == VIA_NONE)
		return -1;
	for (uint32_t i = 0; i < s->processes[process].n_holds; i++) {
		const struct via_holding *h =
			&s->holds[s->processes[process].first_hold + i];

		if (s->objects[h->object].kind != VIA_KIND_PIPE)
			continue;
		printf("%s %d %llu\n", via_kind_name(VIA_KIND_PIPE), h->id,
		       (unsigned long long)s->objects[h->object].ino);
		n++;
	}
	return n;
}

int main(void)
{
	const struct via_look look = {.want = VIA_WANT_FDS, .source_any = 1};
	struct via_snapshot *s;
	struct via_error error;

	if (via_snapshot_take(&look, &s, &error) < 0) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	int n = list(s);

	via_snapshot_free(s);
	return n > 0 ? 0 : 1;
}
