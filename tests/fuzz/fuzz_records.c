/* SPDX-License-Identifier: MIT */
/*
 * What programs in the kernel tell of descriptors, of who watches them and of
 * mappings, if they told anything: records whose kinds, names and counts do not
 * fit.
 *
 * The input: how many of the records are watches, then the records; the last
 * one may be cut off. The same is taken for mappings, of which all have to be
 * whole.
 */
#include <errno.h>
#include <unistd.h>

#include "inspect/collect/bpf_maps.h"
#include "inspect/collect/fd.h"
#include "tests/fuzz/whole.h"

#define PIDS 4

static struct via__bpf make_records(const uint8_t *data, size_t size)
{
	struct via__bpf b = {.files_link = -1,
			     .n_files = size / sizeof(*b.files)};
	size_t n_watches = b.n_files ? *data % (b.n_files + 1) : 0;

	b.files = (void *)copy_of(data + 1, b.n_files * sizeof(*b.files));
	for (size_t i = 0; i < b.n_files; i++) {
		b.files[i].pid = 1 + b.files[i].pid % PIDS;
		if (i >= n_watches)
			b.files[i].epoll = 0;
	}
	via__bpf_sort(&b);
	(void)via__bpf_maps_take(&b, (void *)copy_of(data + 1, size), size);
	return b;
}

static void check_records(const struct via__bpf *b)
{
	size_t all = 0;

	for (pid_t pid = 0; pid <= PIDS; pid++) {
		size_t n;
		const struct via__bpf_file *r = via__bpf_of(b, pid, &n);

		check(r == b->files + all);
		for (size_t i = 0; i < n; i++)
			check(r[i].pid == (uint32_t)pid);
		all += n;
	}
	check(all == b->n_files);
}

static void check_map(const struct via__map *map, void *arg)
{
	const struct via__bpf *b = arg;

	check(map->start < map->end);
	check(map->name > b->maps);
}

static void check_maps(const struct via__bpf *b)
{
	for (size_t i = 0; i < b->n_asked; i++) {
		const struct via__bpf_asked *a = &b->asked[i];
		int err = via__bpf_maps_each(b, (pid_t)a->pid, check_map,
					     (void *)b);

		check(err == 0 || err == -ENOENT);
		check(a->from < a->to);
		check(i == 0 || a[-1].pid <= a->pid);
	}
}

static void fini(struct via__scene *scene)
{
	via__bpf_fini(&scene->bpf);
	via_snapshot_free(scene->s);
	free(scene->noted);
	via__buf_fini(&scene->buf);
	via__buf_fini(&scene->tty_drivers);
	via__devices_fini(&scene->devices);
	via__same_fini(&scene->same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct via__scene scene = {
		.s = via__snapshot_new(),
		.want = VIA_WANT_FDS | VIA_WANT_PATHS | VIA_WANT_LEVELS |
			VIA_WANT_MAPS | VIA_WANT_WAITS,
	};

	check(scene.s);
	if (size > 1)
		scene.bpf = make_records(data, size - 1);
	check_records(&scene.bpf);
	check_maps(&scene.bpf);
	for (pid_t pid = 1; pid <= PIDS; pid++) {
		struct via__fdlist none = {0};
		struct via__at at = {-1, scene.s->n_processes, pid, &none};

		via__add_process(scene.s)->task.pid = pid;
		via__collector_fds.process(&scene, &at);
		via__collector_maps.process(&scene, &at);
	}
	check(via__seal(scene.s) == 0);
	via__collector_fds.all(&scene);
	check(via__seal(scene.s) == 0);
	via__collector_maps.all(&scene);
	check(via__seal(scene.s) == 0);
	check_whole(scene.s);
	check_again(scene.s);
	fini(&scene);
	return 0;
}
