/* SPDX-License-Identifier: MIT */
#include "inspect/collect/bpf.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inspect/collect/bpf_fail.h"
#include "inspect/collect/bpf_object.h"

/* --- libbpf, loaded --- */

struct library {
	void *handle;
	__typeof__(libbpf_set_print) *set_print;
	__typeof__(bpf_object__open_mem) *open_mem;
	__typeof__(bpf_object__load) *load;
	__typeof__(bpf_object__close) *close;
	__typeof__(bpf_object__find_program_by_name) *find;
	__typeof__(bpf_program__attach_iter) *attach;
	__typeof__(bpf_iter_create) *create;
	__typeof__(bpf_link__fd) *link_fd;
	__typeof__(bpf_link__destroy) *destroy;
};

static int open_library(struct library *l, struct via_error *reterr)
{
	const struct {
		const char *name;
		void *function;
	} all[] = {
		{"libbpf_set_print", &l->set_print},
		{"bpf_object__open_mem", &l->open_mem},
		{"bpf_object__load", &l->load},
		{"bpf_object__close", &l->close},
		{"bpf_object__find_program_by_name", &l->find},
		{"bpf_program__attach_iter", &l->attach},
		{"bpf_iter_create", &l->create},
		{"bpf_link__fd", &l->link_fd},
		{"bpf_link__destroy", &l->destroy},
	};

	l->handle = dlopen("libbpf.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!l->handle)
		return via__bpf_fail(reterr, "no BPF: libbpf.so.1 is missing; "
					     "Debian's is in libbpf1");
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		void *symbol = dlsym(l->handle, all[i].name);

		if (!symbol) {
			dlclose(l->handle);
			return via__bpf_fail(reterr, "no BPF: libbpf lacks %s",
					     all[i].name);
		}
		memcpy(all[i].function, &symbol, sizeof(symbol));
	}
	return 0;
}

/* --- Reading --- */

#define PIECE ((size_t)256 << 10)

/* All that an iterator says, as an array of records of this size. */
static int read_all(int fd, void **ret, size_t size, size_t *ret_n)
{
	char *bytes = NULL;
	size_t len = 0, room = 0;

	for (;;) {
		if (room - len < PIECE) {
			char *more = realloc(bytes,
					     room + room / 2 + 2 * PIECE);

			if (!more) {
				free(bytes);
				return -ENOMEM;
			}
			bytes = more;
			room += room / 2 + 2 * PIECE;
		}
		ssize_t n = read(fd, bytes + len, room - len);

		if (n > 0)
			len += (size_t)n;
		else if (n == 0 || (errno != EINTR && errno != EAGAIN))
			break;
	}
	*ret = bytes;
	*ret_n = len / size;
	return 0;
}

static int by_descriptor(const void *a, const void *b)
{
	const struct via__bpf_file *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return x->fd < y->fd ? -1 : x->fd > y->fd;
}

static int by_watch(const void *a, const void *b)
{
	const struct via__bpf_file *x = a, *y = b;

	if (x->epoll != y->epoll)
		return x->epoll < y->epoll ? -1 : 1;
	if (x->fd != y->fd)
		return x->fd < y->fd ? -1 : 1;
	return x->file < y->file ? -1 : x->file > y->file;
}

/* Watches to the front, once each: they are told for each descriptor of what
 * they watch. Descriptors come by threads, those that share a table together:
 * one with a table of its own is out of order. */
static int sort(struct via__bpf *b)
{
	struct via__bpf_file *sorted = reallocarray(NULL, b->n_files + 1,
						    sizeof(*sorted));
	size_t n = 0, files = 0;
	bool in_order = true;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < b->n_files; i++)
		if (!b->files[i].pid)
			sorted[n++] = b->files[i];
	qsort(sorted, n, sizeof(*sorted), by_watch);
	for (size_t i = 0; i < n; i++)
		if (!i || by_watch(&sorted[b->n_watches - 1], &sorted[i]) != 0)
			sorted[b->n_watches++] = sorted[i];
	n = b->n_watches;
	for (size_t i = 0; i < b->n_files; i++) {
		if (!b->files[i].pid)
			continue;
		sorted[n] = b->files[i];
		in_order &= files == 0 ||
			    by_descriptor(&sorted[n - 1], &sorted[n]) <= 0;
		files++;
		n++;
	}
	if (!in_order)
		qsort(sorted + b->n_watches, files, sizeof(*sorted),
		      by_descriptor);
	free(b->files);
	b->files = sorted;
	b->n_files = n;
	return 0;
}

/* --- Semaphores --- */

static int by_set(const void *a, const void *b)
{
	const struct via__bpf_undo *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->list != y->list)
		return x->list < y->list ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* Threads that share a list tell it once each. */
static void sort_undo(struct via__bpf *b)
{
	size_t n = 0;

	if (b->n_undo)
		qsort(b->undo, b->n_undo, sizeof(*b->undo), by_set);
	for (size_t i = 0; i < b->n_undo; i++)
		if (!n || by_set(&b->undo[n - 1], &b->undo[i]) != 0)
			b->undo[n++] = b->undo[i];
	b->n_undo = n;
}

/* --- All together --- */

/* All records of this size of the iterator with this program. */
static int run(const struct library *l, struct bpf_object *object,
	       const char *name, size_t size, void **ret, size_t *ret_n)
{
	struct bpf_program *program = l->find(object, name);
	struct bpf_link *link = program ? l->attach(program, NULL) : NULL;
	int fd = link ? l->create(l->link_fd(link)) : -1;
	int err = fd < 0 ? -errno : read_all(fd, ret, size, ret_n);

	if (fd >= 0)
		close(fd);
	l->destroy(link);
	return err;
}

static int run_all(const struct library *l, struct bpf_object *object,
		   struct via__bpf *ret, struct via_error *reterr)
{
	void *files = NULL, *undo = NULL;
	int err = run(l, object, "files", sizeof(*ret->files), &files,
		      &ret->n_files);

	if (!err)
		err = run(l, object, "undo", sizeof(*ret->undo), &undo,
			  &ret->n_undo);
	ret->files = files;
	ret->undo = undo;
	return !err || err == -ENOMEM
		       ? err
		       : via__bpf_fail(reterr, "no BPF: no iterator: %s",
				       via_strerror(err));
}

static int load(const struct library *l, struct via__bpf *ret,
		struct via_error *reterr)
{
	struct bpf_object *object = l->open_mem(via__files_bpf_o,
						via__files_bpf_o_len, NULL);

	if (!object)
		return -ENOMEM;
	int err = l->load(object);

	if (err)
		err = via__bpf_fail(reterr,
				    "no BPF: the kernel did not take the "
				    "program: %s (it needs CAP_BPF and "
				    "CAP_PERFMON)",
				    via_strerror(err));
	else
		err = run_all(l, object, ret, reterr);
	l->close(object);
	return err;
}

int via__bpf_read(struct via__bpf *ret, struct via_error *reterr)
{
	struct library l;
	int err = open_library(&l, reterr);

	if (err)
		return err;
	/* It would print what went wrong. */
	libbpf_print_fn_t print = l.set_print(NULL);

	*ret = (struct via__bpf){0};
	err = load(&l, ret, reterr);
	l.set_print(print);
	dlclose(l.handle);
	if (!err)
		err = sort(ret);
	if (err)
		via__bpf_fini(ret);
	else
		sort_undo(ret);
	return err;
}
