/* SPDX-License-Identifier: MIT */
/* Mappings: their text, and what of ours is in a snapshot. */
#include "inspect/collect/maps.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "inspect/collect/proc.h"
#include "inspect/collect/snapshot_test.h"

/* --- Text --- */

static void parses_lines(void **state)
{
	struct via__map m;

	(void)state;
	assert_int_equal(
		via__maps_parse("7f0012340000-7f0012350000 rw-s 00003000 00:05 "
				"42                         /memfd:a b (x)",
				&m),
		0);
	assert_true(m.start == 0x7f0012340000 && m.end == 0x7f0012350000);
	assert_int_equal(m.offset, 0x3000);
	assert_int_equal(m.dev, makedev(0, 5));
	assert_int_equal(m.ino, 42);
	assert_int_equal(m.flags,
			 VIA_HOLD_READ | VIA_HOLD_WRITE | VIA_HOLD_SHARED);
	assert_string_equal(m.name, "/memfd:a b (x)");
	assert_int_equal(
		via__maps_parse("400000-401000 r-xp 00000000 fe:01 7 ", &m), 0);
	assert_int_equal(m.flags, VIA_HOLD_READ | VIA_HOLD_EXEC);
	assert_string_equal(m.name, "");
}

static void refuses_what_is_no_line(void **state)
{
	static const char *const lines[] = {
		"",
		"400000",
		"400000-401000",
		"400000-401000 r-xp",
		"401000-400000 r-xp 00000000 fe:01 7",
		"400000-401000 rxp 00000000 fe:01 7",
		"400000-401000 r-xp 00000000 fe01 7",
		"400000-401000 r-xp 00000000 fe:01 x",
	};
	struct via__map m;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		assert_int_equal(via__maps_parse(lines[i], &m), -EPROTO);
}

/* --- One by one --- */

struct count {
	const void *address;
	unsigned int n, found;
};

static void count(const struct via__map *map, void *arg)
{
	struct count *c = arg;

	c->n++;
	c->found += (uintptr_t)c->address >= map->start &&
		    (uintptr_t)c->address < map->end;
	assert_true(map->start < map->end);
}

static void goes_through_them(void **state)
{
	int dir = via__proc_open(getpid());
	char *shared = mmap(NULL, 8192, PROT_READ, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);
	struct count some = {.address = shared}, all = {.address = shared};
	char name[PATH_MAX];
	struct via__map m;

	(void)state;
	assert_int_equal(via__maps_each(dir, VIA__MAPS_SHARED, count, &some),
			 0);
	assert_int_equal(via__maps_each(dir, VIA__MAPS_FILES, count, &all), 0);
	assert_int_equal(some.found, 1);
	assert_int_equal(all.found, 1);
	assert_true(all.n > some.n);
	assert_int_equal(via__maps_at(dir, (uintptr_t)shared + 5000, &m, name),
			 0);
	assert_true(m.start == (uintptr_t)shared);
	assert_true(m.end == (uintptr_t)shared + 8192);
	assert_true(m.flags == (VIA_HOLD_READ | VIA_HOLD_SHARED));
	assert_string_equal(m.name, "/dev/zero (deleted)");
	assert_int_equal(via__maps_at(dir, 16, &m, name), -ENOENT);
	munmap(shared, 8192);
	close(dir);
}

/* --- In a snapshot --- */

/* The hold of our mapping at this address. */
static const struct via_holding *mapped(const struct via_snapshot *s,
					const void *address)
{
	uint32_t self = via_snapshot_process(s, getpid());
	const struct via_process *p = &s->processes[self];

	for (uint32_t i = 0; i < p->n_holds; i++) {
		const struct via_holding *h = &s->holds[p->first_hold + i];

		if (h->how == VIA_HOLDS_MAP && h->start == (uintptr_t)address)
			return h;
	}
	return NULL;
}

static void assert_mapped(const struct via_snapshot *s, const void *address,
			  enum via_kind kind, int fd)
{
	const struct via_holding *h = mapped(s, address);

	assert_non_null(h);
	assert_int_equal(h->end - h->start, 4096);
	assert_int_equal(h->flags,
			 VIA_HOLD_READ | VIA_HOLD_WRITE | VIA_HOLD_SHARED);
	assert_int_equal(s->objects[h->object].kind, kind);
	if (fd >= 0)
		assert_int_equal(h->object, object_of(s, kind, fd));
}

static char *map_shared(int fd)
{
	int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
	char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, flags, fd, 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

/* Mappings are of the objects that the descriptors are of. */
static void joins_descriptors(void **state)
{
	int memfd = memfd_create("via test", MFD_CLOEXEC);
	int shm = shm_open("/via-test", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int file = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char *at[4];

	(void)state;
	assert_int_equal(ftruncate(memfd, 4096), 0);
	assert_int_equal(ftruncate(shm, 4096), 0);
	assert_int_equal(ftruncate(file, 4096), 0);
	at[0] = map_shared(memfd);
	at[1] = map_shared(shm);
	at[2] = map_shared(file);
	at[3] = map_shared(-1);

	struct via_snapshot *s = snapshot(VIA_WANT_FDS | VIA_WANT_PATHS |
					  VIA_WANT_MAPS);

	assert_mapped(s, at[0], VIA_KIND_MEMFD, memfd);
	assert_mapped(s, at[1], VIA_KIND_POSIXSHM, shm);
	assert_mapped(s, at[2], VIA_KIND_FILE, file);
	assert_mapped(s, at[3], VIA_KIND_ANON, -1);
	via_snapshot_free(s);
	/* Known by their mappings alone they are the same kinds. */
	close(memfd);
	close(shm);
	close(file);
	s = snapshot(VIA_WANT_FDS | VIA_WANT_PATHS | VIA_WANT_MAPS);
	assert_mapped(s, at[0], VIA_KIND_MEMFD, -1);
	assert_mapped(s, at[1], VIA_KIND_POSIXSHM, -1);
	assert_mapped(s, at[2], VIA_KIND_FILE, -1);

	const struct via_object *o = &s->objects[mapped(s, at[0])->object];

	assert_string_equal(via_snapshot_text(s, o->name, NULL), "via test");
	assert_true(o->flags & VIA_OBJECT_DELETED);
	/* What never had a name is not. */
	o = &s->objects[mapped(s, at[3])->object];
	assert_int_equal(o->flags & VIA_OBJECT_DELETED, 0);
	via_snapshot_free(s);
	shm_unlink("/via-test");
	for (int i = 0; i < 4; i++)
		munmap(at[i], 4096);
}

static void sees_system_v(void **state)
{
	int id = shmget(IPC_PRIVATE, 4096, 0600);

	(void)state;
	if (id < 0)
		check_skip("needs System V shared memory");
	char *at = shmat(id, NULL, 0);

	struct via_snapshot *s = snapshot(VIA_WANT_MAPS);
	uint32_t self = via_snapshot_process(s, getpid());

	assert_mapped(s, at, VIA_KIND_SYSVSHM, -1);

	const struct via_object *o = &s->objects[mapped(s, at)->object];

	assert_int_equal(o->ino, id);
	assert_int_equal(o->flags & VIA_OBJECT_DELETED, 0);
	assert_int_equal(o->dev, s->processes[self].ipc_ns);
	via_snapshot_free(s);
	shmdt(at);
	shmctl(id, IPC_RMID, NULL);
}

/* Programs and libraries, if they are wanted. */
static void sees_files_of_programs(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat("/proc/self/exe", &st), 0);
	for (int all = 0; all < 2; all++) {
		struct via_snapshot *s =
			snapshot(VIA_WANT_MAPS |
				 (all ? (uint32_t)VIA_WANT_ALL_MAPS : 0));
		uint32_t object = via_snapshot_object(s, VIA_KIND_FILE,
						      st.st_dev, st.st_ino, 0);
		bool found = false;

		for (uint32_t i = 0; i < s->n_holds; i++)
			found |= s->holds[i].object == object &&
				 s->holds[i].how == VIA_HOLDS_MAP &&
				 s->holds[i].flags & VIA_HOLD_EXEC;
		assert_int_equal(found, all);
		via_snapshot_free(s);
	}
}

static void *goes_on(void *arg)
{
	(void)!write(*(int *)arg, "", 1);
	pause();
	return NULL;
}

static bool is_mapped_by(pid_t pid, const char *at)
{
	struct via_snapshot *s = snapshot(VIA_WANT_MAPS);
	const struct via_process *p =
		&s->processes[via_snapshot_process(s, pid)];
	bool ended = p->task.state == 'Z', found = false;

	for (uint32_t i = 0; i < p->n_holds; i++)
		found |= s->holds[p->first_hold + i].start == (uintptr_t)at;
	via_snapshot_free(s);
	return ended ? found : is_mapped_by(pid, at);
}

static void sees_what_other_threads_have(void **state)
{
	char *at = map_shared(-1), byte;
	int ready[2];

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t thread;

		pthread_create(&thread, NULL, goes_on, &ready[1]);
		syscall(SYS_exit, 0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	bool found = is_mapped_by(pid, at);

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	munmap(at, 4096);
	assert_true(found);
}

static void counts_what_is_hidden(void **state)
{
	int go[2];
	char byte;

	(void)state;
	if (getuid() != 0)
		check_skip("needs root, to become another user");
	assert_int_equal(pipe(go), 0);
	pid_t pid = fork();

	if (pid == 0) {
		close(go[1]);
		_exit((int)read(go[0], &byte, 1));
	}
	assert_int_equal(seteuid(65534), 0);
	struct via_snapshot *s = snapshot(VIA_WANT_MAPS);

	assert_int_equal(seteuid(0), 0);
	uint32_t child = via_snapshot_process(s, pid);

	assert_true(s->processes[child].hidden & VIA_HIDDEN_MAPS);
	assert_true(s->sight.n_hidden_maps > 0);
	via_snapshot_free(s);
	close(go[0]);
	close(go[1]);
	waitpid(pid, NULL, 0);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(parses_lines),
	CHECK_TEST(refuses_what_is_no_line),
	CHECK_TEST(goes_through_them),
	CHECK_TEST(joins_descriptors),
	CHECK_TEST(sees_system_v),
	CHECK_TEST(sees_files_of_programs),
	CHECK_TEST(counts_what_is_hidden),
	CHECK_TEST(sees_what_other_threads_have),
};
CHECK_MAIN(tests)
