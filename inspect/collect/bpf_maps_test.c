/* SPDX-License-Identifier: MIT */
/* Mappings, told by a program in the kernel: the same as /proc tells. */
#include "inspect/collect/bpf_maps.h"

#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "inspect/collect/look_test.h"

#define SIZE 4096

/* --- One of each --- */

static void map(int fd, int flags)
{
	(void)!ftruncate(fd, SIZE);
	(void)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);
}

static void map_both(int fd)
{
	map(fd, MAP_SHARED);
	map(fd, MAP_PRIVATE);
	close(fd);
}

static void map_files(const char *dir)
{
	static const char *const names[] = {"kept",	  "two words",
					    "two\nlines", "no\\012line",
					    "gone",	  "gone (deleted)"};
	char path[300];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		map_both(open(path, O_RDWR | O_CREAT, 0600));
		if (i >= 4)
			unlink(path);
	}
	map_both(open(dir, O_RDWR | O_TMPFILE, 0600));
	map(open("/dev/zero", O_RDWR), MAP_PRIVATE);
}

/* Their names are removed by clean_up(), but for the first ones. */
static void map_named(void)
{
	char name[64];

	for (int i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "/via-test-%d-%d", getpid(), i);
		map_both(shm_open(name, O_RDWR | O_CREAT, 0600));
		(void)sem_open(name, O_CREAT, 0600, 1);
		if (i == 0) {
			shm_unlink(name);
			sem_unlink(name);
		}
	}
}

static void clean_up(const char *dir, pid_t pid)
{
	static const char *const names[] = {"kept", "two words", "two\nlines",
					    "no\\012line"};
	char name[300];

	snprintf(name, sizeof(name), "/via-test-%d-1", pid);
	shm_unlink(name);
	sem_unlink(name);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(name, sizeof(name), "%s/%s", dir, names[i]);
		unlink(name);
	}
}

/* A socket for packets, of which the kernel and we share a ring. */
static void map_packets(void)
{
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	struct tpacket_req ring = {.tp_block_size = SIZE,
				   .tp_block_nr = 1,
				   .tp_frame_size = 2048,
				   .tp_frame_nr = 2};

	if (setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)) ==
	    0)
		(void)mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
}

/* struct io_uring_params is 120 bytes: io_uring_setup(2). */
static void map_ring(void)
{
	char params[120] = {0};
	int fd = (int)syscall(SYS_io_uring_setup, 4, params);

	if (fd >= 0)
		(void)mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
}

static void map_memory(void)
{
	int id = shmget(IPC_PRIVATE, SIZE, 0600);
	void *named = mmap(NULL, SIZE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS,
			   -1, 0);

	(void)mmap(NULL, SIZE, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	/* PR_SET_VMA, PR_SET_VMA_ANON_NAME: since Linux 6.2 of what is shared,
	 * where the kernel can. */
	(void)prctl(0x53564d41, 0, named, SIZE, "a name");
	(void)shmat(id, NULL, 0);
	shmctl(id, IPC_RMID, NULL);
	map_both(memfd_create("via test", 0));
	map_both(memfd_create("", 0));
	(void)mmap(NULL, 2 << 20, PROT_READ,
		   MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	map_packets();
	map_ring();
}

/* --- Processes that have them --- */

static void say(int fd)
{
	(void)!write(fd, "", 1);
}

/* Runs f(arg) in a child, which says when it is ready. */
static pid_t start(void (*f)(int ready, void *arg), void *arg)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();

	if (pid == 0) {
		f(ready[1], arg);
		pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void one_of_each(int ready, void *dir)
{
	map_files(dir);
	map_named();
	map_memory();
	say(ready);
}

/* --- Compared --- */

static void same_object(const struct via_snapshot *a, uint32_t in_a,
			const struct via_snapshot *b, uint32_t in_b)
{
	const struct via_object *x = &a->objects[in_a], *y = &b->objects[in_b];

	assert_string_equal(via_kind_name(x->kind), via_kind_name(y->kind));
	assert_true(x->dev == y->dev);
	assert_true(x->ino == y->ino);
	assert_int_equal(x->flags, y->flags);
	assert_string_equal(name_of(a, x), name_of(b, y));
}

static const struct via_holding *
mapping(const struct via_snapshot *s, const struct via_process *p, uint32_t *at)
{
	while (*at < p->n_holds) {
		const struct via_holding *h = &s->holds[p->first_hold + *at];

		(*at)++;
		if (h->how == VIA_HOLDS_MAP)
			return h;
	}
	return NULL;
}

/* How many there are. */
static unsigned int same_maps(const struct via_snapshot *a,
			      const struct via_snapshot *b, pid_t pid)
{
	const struct via_process *p = process_of(a, pid),
				 *q = process_of(b, pid);
	uint32_t i = 0, j = 0;
	unsigned int n = 0;

	assert_int_equal(p->hidden & VIA_HIDDEN_MAPS, 0);
	assert_int_equal(q->hidden & VIA_HIDDEN_MAPS, 0);
	for (;; n++) {
		const struct via_holding *h = mapping(a, p, &i),
					 *g = mapping(b, q, &j);

		assert_int_equal(!h, !g);
		if (!h)
			return n;
		assert_true(h->start == g->start);
		assert_true(h->end == g->end);
		assert_int_equal(h->flags, g->flags);
		same_object(a, h->object, b, g->object);
	}
}

/* Of both sources; false, and why: one cannot be had. */
static bool compare(pid_t pid, uint32_t want, unsigned int *ret_n, char *why)
{
	struct via_snapshot *bpf = look_by(VIA_SOURCE_BPF, want, why);

	if (!bpf)
		return false;
	struct via_snapshot *proc = look_by(VIA_SOURCE_PROC, want, why);

	assert_int_equal(bpf->sight.refused, 0);
	*ret_n = same_maps(proc, bpf, pid);
	via_snapshot_free(bpf);
	via_snapshot_free(proc);
	return true;
}

static void sources_agree(void **state)
{
	static const uint32_t wants[] = {
		VIA_WANT_MAPS,
		VIA_WANT_MAPS | VIA_WANT_ALL_MAPS,
		VIA_WANT_MAPS | VIA_WANT_FDS | VIA_WANT_PATHS,
		VIA_WANT_MAPS | VIA_WANT_WAITS | VIA_WANT_ALL_MAPS,
	};
	const char *dir = getenv("TMPDIR");
	pid_t child = start(one_of_each, (void *)(uintptr_t)dir);
	char why[VIA_ERROR_TEXT_MAX];
	unsigned int n[4] = {0}, own;
	bool can = true;

	(void)state;
	for (int i = 0; can && i < 4; i++)
		can = compare(child, wants[i], &n[i], why) &&
		      compare(getpid(), wants[i], &own, why);
	end(child);
	clean_up(dir, child);
	if (!can)
		check_skip(why);
	/* Shared ones: of files, of names, of memory. */
	assert_true(n[0] >= 7 + 4 + 5);
	assert_int_equal(n[2], n[0]);
	/* And private ones, and those of programs. */
	assert_true(n[1] >= n[0] + 8 + 2 + 2 + 5);
	assert_int_equal(n[3], n[1]);
}

static void ignore(const struct via__map *map, void *arg)
{
	(void)map;
	(void)arg;
}

/* Not only by /proc, where what is missing is looked up. */
static bool is_told(pid_t pid)
{
	struct via__bpf b;
	bool told = false;

	if (via__bpf_find(&b, NULL) == 0) {
		b.want = VIA_WANT_MAPS;
		via__bpf_maps_read(&b);
		told = via__bpf_maps_each(&b, pid, ignore, NULL) == 0;
	}
	via__bpf_fini(&b);
	return told;
}

/* --- Seen from elsewhere --- */

/* A root of its own, on a file system that nobody else sees; there a file, and
 * one of an overlay, whose numbers are not those of its file system. */
static void in_a_root_of_its_own(int ready, void *dir)
{
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("via", dir, "tmpfs", 0, NULL) < 0 || chroot(dir) < 0 ||
	    chdir("/") < 0)
		_exit(0);
	mkdir("low", 0700);
	mkdir("up", 0700);
	mkdir("work", 0700);
	mkdir("over", 0700);
	map_both(open("low/file", O_RDWR | O_CREAT, 0600));
	map_both(open("shm", O_RDWR | O_CREAT, 0600));
	if (mount("via", "over", "overlay", 0,
		  "lowerdir=low,upperdir=up,workdir=work") == 0)
		map(open("over/file", O_RDONLY), MAP_PRIVATE);
	say(ready);
}

static void names_are_those_that_we_see(void **state)
{
	char dir[300], why[VIA_ERROR_TEXT_MAX];
	unsigned int n;

	(void)state;
	if (getuid() != 0)
		check_skip("needs root, to mount");
	snprintf(dir, sizeof(dir), "%s/root", getenv("TMPDIR"));
	assert_int_equal(mkdir(dir, 0700), 0);
	pid_t child = start(in_a_root_of_its_own, dir);
	bool can = compare(child, VIA_WANT_MAPS, &n, why) &&
		   compare(child, VIA_WANT_MAPS | VIA_WANT_ALL_MAPS, &n, why);

	end(child);
	rmdir(dir);
	if (!can)
		check_skip(why);
	assert_true(n >= 4);
}

/* --- The first thread has ended --- */

static void *goes_on(void *arg)
{
	if (arg)
		say(*(int *)arg);
	pause();
	return NULL;
}

static void ends_first(int ready, void *arg)
{
	pthread_t thread;

	(void)arg;
	map_memory();
	pthread_create(&thread, NULL, goes_on, NULL);
	pthread_create(&thread, NULL, goes_on, &ready);
	syscall(SYS_exit, 0);
}

static void is_told_by_another_thread(void **state)
{
	char why[VIA_ERROR_TEXT_MAX];
	unsigned int n;
	pid_t child = start(ends_first, NULL);

	(void)state;
	for (struct via_task task = {0}; task.state != 'Z';) {
		int dir = via__proc_open(child);

		assert_int_equal(via__proc_task(dir, child, &task), 0);
		close(dir);
	}
	bool can = compare(child, VIA_WANT_MAPS, &n, why);
	bool told = is_told(child);

	end(child);
	if (!can)
		check_skip(why);
	assert_true(told);
	assert_true(n >= 5);
}

/* --- There is nothing --- */

static void has_nothing(int ready, void *arg)
{
	(void)arg;
	say(ready);
}

/* Also that is told. */
static void each_is_reached(void **state)
{
	char why[VIA_ERROR_TEXT_MAX];
	unsigned int n;
	pid_t child = start(has_nothing, NULL);
	bool can = compare(child, VIA_WANT_MAPS, &n, why);
	bool told = is_told(child);

	(void)state;
	end(child);
	if (!can)
		check_skip(why);
	assert_int_equal(n, 0);
	assert_true(told);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(sources_agree),
	CHECK_TEST(names_are_those_that_we_see),
	CHECK_TEST(is_told_by_another_thread),
	CHECK_TEST(each_is_reached),
};
CHECK_MAIN(tests)
