/* SPDX-License-Identifier: MIT */
/* shm: how peers meet and part, and who is kept out. */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "transport/shm_test.h"

/* --- Beginnings and ends --- */

static void ends_once_and_begins_again(void **state)
{
	const char *url = fresh("");
	struct via__end *r = end_open(url, VIA_RECV), *s;

	(void)state;
	for (int i = 0; i < 3; i++) {
		s = end_sender(url);
		assert_int_equal(end_send_text(s, "last"), 0);
		end_close(s);
		end_expect(r, "last");
		end_expect_code(r, -EPIPE);
		struct via__in in = {0};

		assert_int_equal(r->transport->recv(r, &in), -EAGAIN);
		assert_int_equal(r->transport->arm(r, VIA_RECV), 0);
		assert_false(readable(r, VIA_RECV));
	}
	assert_int_equal(r->stats.joined, 3);
	assert_int_equal(r->stats.left, 3);
	assert_int_equal(r->stats.rejected, 0);
	end_close(r);
}

static void a_pair_ends_for_ever(void **state)
{
	struct via__end *ends[2];

	(void)state;
	end_pair("shm:", ends);
	assert_int_equal(end_send_text(ends[1], "last"), 0);
	end_close(ends[1]);
	end_expect(ends[0], "last");
	end_expect_code(ends[0], -EPIPE);
	end_expect_code(ends[0], -EPIPE);
	end_close(ends[0]);
}

static void confirms_what_was_delivered(void **state)
{
	struct via__end *ends[2];
	struct via__in view = {0};

	(void)state;
	open_both("", ends);
	assert_int_equal(end_send_text(ends[1], "one"), 0);
	assert_int_equal(ends[1]->transport->finish(ends[1]), -EAGAIN);
	assert_int_equal(end_recv(ends[0], &view), 0);
	struct via__in none = {0};

	assert_int_equal(ends[0]->transport->recv(ends[0], &none), -EAGAIN);
	assert_int_equal(ends[1]->transport->finish(ends[1]), -EAGAIN);
	assert_memory_equal(view.data, "one", 3);
	end_expect_code(ends[0], -EPIPE);
	assert_int_equal(end_finish(ends[1]), 0);
	close_both(ends);
}

/* A receiver that leaves says by its cursor how far it came. */
static void tells_all_from_some(void **state)
{
	struct via__end *ends[2];

	(void)state;
	for (int all = 0; all < 2; all++) {
		open_both("", ends);
		assert_int_equal(end_send_text(ends[1], "one"), 0);
		assert_int_equal(end_send_text(ends[1], "two"), 0);
		end_expect(ends[0], "one");
		if (all)
			end_expect(ends[0], "two");
		ends[0]->transport->release(ends[0]);
		end_close(ends[0]);
		assert_int_equal(end_finish(ends[1]), all ? 0 : -EPIPE);
		end_close(ends[1]);
	}
}

static void drops_half_a_message(void **state)
{
	struct via__end *ends[2];
	char *data = pattern(300 * KIB, 0);
	struct via__out out = {.data = data, .len = 300 * KIB};

	(void)state;
	open_both("?ring=64K", ends);
	assert_int_equal(end_send_text(ends[1], "whole"), 0);
	assert_int_equal(ends[1]->transport->send(ends[1], &out), -EAGAIN);
	assert_true(out.begun);
	end_close(ends[1]);
	end_expect(ends[0], "whole");
	end_expect_code(ends[0], -EPIPE);
	assert_int_equal(ends[0]->stats.dropped, 1);
	free(data);
	end_close(ends[0]);
}

static void notices_that_the_receiver_left(void **state)
{
	struct via__end *ends[2];
	int r = 0, n = 0;

	(void)state;
	open_both("", ends);
	assert_int_equal(end_send_text(ends[1], "one"), 0);
	end_expect(ends[0], "one");
	end_close(ends[0]);
	/* It was awake when it left: a tick of the clock may pass first. */
	int64_t deadline = via__deadline(END_PATIENCE_NS);

	while (r == 0 && !via__deadline_passed(deadline)) {
		r = end_send_text(ends[1], "two");
		n++;
	}
	assert_int_equal(r, -EPIPE);
	assert_string_not_equal(ends[1]->error.text, "");
	assert_int_equal(end_send_text(ends[1], "three"), -EPIPE);
	assert_true(n > 0);
	end_close(ends[1]);
}

/* --- Names --- */

static void one_receiver_has_the_name(void **state)
{
	char url[128];
	struct via__end *r, *again = NULL;
	struct via_error err = {.text = ""};

	(void)state;
	(void)snprintf(url, sizeof(url), "%s", fresh(""));
	r = end_open(url, VIA_RECV);
	assert_int_equal(end_try(url, VIA_RECV, &again, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, "another receiver"));
	end_close(r);
	r = end_open(url, VIA_RECV);
	end_close(r);
}

static void waits_for_its_receiver(void **state)
{
	char url[128];

	(void)state;
	(void)snprintf(url, sizeof(url), "%s", fresh(""));
	struct via__end *s = end_open(url, VIA_SEND);

	assert_int_equal(s->transport->connect(s), -EAGAIN);
	assert_string_not_equal(s->error.text, "");
	struct via__end *r = end_open(url, VIA_RECV);

	assert_int_equal(s->transport->connect(s), 0);
	assert_int_equal(end_send_text(s, "hello"), 0);
	end_expect(r, "hello");
	end_close(s);
	end_close(r);
}

static void lives_at_a_path_too(void **state)
{
	char dir[] = "/tmp/via-shm-XXXXXX", url[64], path[48];
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/name", dir);
	(void)snprintf(url, sizeof(url), "shm:%s", path);
	struct via__end *r = end_open(url, VIA_RECV), *s = end_sender(url);

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(end_send_text(s, "hello"), 0);
	end_expect(r, "hello");
	end_close(s);
	end_close(r);
	assert_int_equal(rmdir(dir), 0);
}

static void judges_names_and_options(void **state)
{
	static const struct {
		const char *url;
		int code;
	} cases[] = {
		{"shm:", -EINVAL},
		{"shm:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		 -ENAMETOOLONG},
		{"shm:/nowhere/at/all", -ENOENT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct via_error err = {.text = ""};
		struct via__end *end;

		assert_int_equal(end_try(cases[i].url, VIA_RECV, &end, &err),
				 cases[i].code);
		assert_int_equal(err.code, cases[i].code);
		assert_string_not_equal(err.text, "");
	}
}

static void keeps_strangers_out(void **state)
{
	const char *url = fresh("");
	struct via__end *r, *s;

	(void)state;
	if (getuid())
		check_skip("root, to become somebody else");
	r = end_open(url, VIA_RECV);
	pid_t child = fork();

	if (child == 0) {
		struct via_error err;

		if (setgid(65534) || setuid(65534) ||
		    end_try(url, VIA_SEND, &s, &err) ||
		    s->transport->connect(s))
			_exit(10);
		_exit(end_greet(s) == -EACCES &&
				      end_send_text(s, "x") == -EACCES
			      ? 0
			      : 11);
	}
	struct via__in in = {0};
	struct pollfd pfd;
	int status;

	assert_int_equal(r->transport->pollfd(r, VIA_RECV, &pfd), 0);
	assert_int_equal(via__poll(&pfd, 1, via__deadline(END_PATIENCE_NS)), 1);
	assert_int_equal(r->transport->recv(r, &in), -EAGAIN);
	assert_int_equal(r->stats.rejected, 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(r->stats.joined, 0);
	end_close(r);
}

static void lets_in_whom_it_is_told(void **state)
{
	const char *url = fresh("?allow-uid=65534");
	struct via__end *r, *s;

	(void)state;
	if (getuid())
		check_skip("root, to become somebody else");
	r = end_open(url, VIA_RECV);
	pid_t child = fork();

	if (child == 0) {
		struct via_error err;

		if (setgid(65534) || setuid(65534) ||
		    end_try(url, VIA_SEND, &s, &err) ||
		    s->transport->connect(s))
			_exit(10);
		_exit(end_send_text(s, "x") || end_finish(s) ? 11 : 0);
	}
	int status;

	end_expect(r, "x");
	end_expect_code(r, -EPIPE);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	end_close(r);
}

/* Whoever takes the name first may be a thief: root is none, others are. */
static void does_not_trust_a_strangers_name(void **state)
{
	const char *url = fresh("");
	struct via__end *r, *s;
	int ready[2], status;
	char c;

	(void)state;
	if (getuid())
		check_skip("root, to become somebody else");
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t child = fork();

	if (child == 0) {
		struct via_error err;

		if (setgid(65534) || setuid(65534) ||
		    end_try(url, VIA_RECV, &r, &err) ||
		    write(ready[1], "", 1) != 1)
			_exit(10);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	s = end_open(url, VIA_SEND);
	assert_int_equal(s->transport->connect(s), -EACCES);
	assert_non_null(strstr(s->error.text, "65534"));
	end_close(s);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
}

/* --- No memory --- */

/*
 * Memory is full, for this process alone and for good. The kernel fails a
 * reservation like this where it promises no more than it has
 * (vm.overcommit_memory=2: shmem_inode_acct_blocks() in mm/shmem.c); a filter
 * of system calls has it give that answer here.
 */
static int fill_memory(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSPC),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(code) / sizeof(*code),
		.filter = code,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? -errno
								    : 0;
}

static void reap(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void a_sender_without_memory_says_so(void **state)
{
	const char *url = fresh("");
	struct via__end *r = end_open(url, VIA_RECV), *s;
	struct via__in in = {0};
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		struct via_error err = {.text = ""};
		int before = check_count_fds();

		if (fill_memory())
			_exit(10);
		if (end_try(url, VIA_SEND, &s, &err) != -ENOSPC ||
		    !strstr(err.text, "shared memory: No space left on device"))
			_exit(11);
		_exit(check_count_fds() == before ? 0 : 12);
	}
	reap(child);
	assert_int_equal(r->transport->recv(r, &in), -EAGAIN);
	s = end_sender(url);
	assert_int_equal(end_send_text(s, "fine"), 0);
	end_expect(r, "fine");
	assert_int_equal(r->stats.joined, 1);
	end_close(s);
	end_close(r);
}

static void a_receiver_without_memory_says_so(void **state)
{
	const char *url = fresh("");
	struct via__end *r = end_open(url, VIA_RECV), *s = end_sender(url);
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		struct via__in in = {0};
		int before = check_count_fds();

		if (fill_memory())
			_exit(10);
		if (r->transport->recv(r, &in) != -EAGAIN ||
		    r->stats.rejected != 1 || r->stats.joined)
			_exit(11);
		_exit(check_count_fds() == before ? 0 : 12);
	}
	reap(child);
	assert_int_equal(end_greet(s), -ENOSPC);
	assert_non_null(strstr(s->error.text, "No space left on device"));
	end_close(s);
	end_close(r);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(ends_once_and_begins_again),
	CHECK_TEST(a_pair_ends_for_ever),
	CHECK_TEST(confirms_what_was_delivered),
	CHECK_TEST(tells_all_from_some),
	CHECK_TEST(drops_half_a_message),
	CHECK_TEST(notices_that_the_receiver_left),
	CHECK_TEST(one_receiver_has_the_name),
	CHECK_TEST(waits_for_its_receiver),
	CHECK_TEST(lives_at_a_path_too),
	CHECK_TEST(judges_names_and_options),
	CHECK_TEST(keeps_strangers_out),
	CHECK_TEST(lets_in_whom_it_is_told),
	CHECK_TEST(does_not_trust_a_strangers_name),
	CHECK_TEST(a_sender_without_memory_says_so),
	CHECK_TEST(a_receiver_without_memory_says_so),
};
CHECK_MAIN(tests)
