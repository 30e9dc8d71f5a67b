/* SPDX-License-Identifier: MIT */
/* Waits on one descriptor. */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <mqueue.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>

#include "inspect/collect/waits_test.h"

static char block[1 << 20];

/* Both are ours; the victim inherits them. */
struct two {
	int a, b;
};

static void close_two(struct two t)
{
	close(t.a);
	close(t.b);
}

static struct two a_pipe(void)
{
	int p[2];

	assert_int_equal(pipe(p), 0);
	return (struct two){p[0], p[1]};
}

static struct two a_pair(int type)
{
	int p[2];

	assert_int_equal(socketpair(AF_UNIX, type, 0, p), 0);
	return (struct two){p[0], p[1]};
}

static struct two full(struct two t)
{
	int flags = fcntl(t.b, F_GETFL);

	fcntl(t.b, F_SETFL, flags | O_NONBLOCK);
	while (write(t.b, block, 4096) > 0)
		;
	fcntl(t.b, F_SETFL, flags);
	return t;
}

/* The victim reads fd, or writes it; nr is what it does so with. */
static void reads(int fd)
{
	struct victim v;

	if (blocks(&v))
		exit((int)read(fd, block, sizeof(block)));
	look_until(&v, SYS_read);
	assert_waits(&v, VIA_OP_READ, fd);
	end(&v);
}

static void writes(int fd)
{
	struct victim v;

	if (blocks(&v))
		exit((int)write(fd, block, sizeof(block)));
	look_until(&v, SYS_write);
	assert_waits(&v, VIA_OP_WRITE, fd);
	end(&v);
}

/* --- Pipes --- */

static void sees_pipes(void **state)
{
	struct two p = a_pipe();

	(void)state;
	reads(p.a);
	full(p);
	writes(p.b);
	close_two(p);
}

static void sees_vectors(void **state)
{
	struct two p = a_pipe();
	struct iovec v = {block, sizeof(block)};
	struct victim victim;

	(void)state;
	if (blocks(&victim))
		exit((int)readv(p.a, &v, 1));
	look_until(&victim, SYS_readv);
	assert_waits(&victim, VIA_OP_READ, p.a);
	end(&victim);
	full(p);
	if (blocks(&victim))
		exit((int)writev(p.b, &v, 1));
	look_until(&victim, SYS_writev);
	assert_waits(&victim, VIA_OP_WRITE, p.b);
	end(&victim);
	if (blocks(&victim))
		exit((int)vmsplice(p.b, &v, 1, 0));
	look_until(&victim, SYS_vmsplice);
	assert_waits(&victim, VIA_OP_WRITE, p.b);
	end(&victim);
	close_two(p);
}

static void sees_which_side_of_a_splice(void **state)
{
	struct two in = a_pipe(), out = full(a_pipe());
	struct victim v;

	(void)state;
	if (blocks(&v))
		exit((int)splice(in.a, NULL, out.b, NULL, 1, 0));
	look_until(&v, SYS_splice);
	/* The level of in tells; where it cannot be read, both may be. */
	if (object(&v, 0)->level == VIA_UNKNOWN)
		check_skip("needs pidfd_getfd()");
	assert_waits(&v, VIA_OP_READ, in.a);
	end(&v);
	assert_int_equal(write(in.b, "x", 1), 1);
	if (blocks(&v))
		exit((int)splice(in.a, NULL, out.b, NULL, 1, 0));
	look_until(&v, SYS_splice);
	assert_waits(&v, VIA_OP_WRITE, out.b);
	end(&v);
	if (blocks(&v))
		exit((int)tee(in.a, out.b, 1, 0));
	look_until(&v, SYS_tee);
	assert_waits(&v, VIA_OP_WRITE, out.b);
	end(&v);
	close_two(in);
	close_two(out);
}

static void sees_sendfile(void **state)
{
	struct two out = full(a_pipe());
	int file = open("/proc/self/exe", O_RDONLY);
	struct victim v;

	(void)state;
	if (blocks(&v))
		exit((int)sendfile(out.b, file, NULL, 4096));
	look_until(&v, SYS_sendfile);
	assert_waits(&v, VIA_OP_WRITE, out.b);
	end(&v);
	close(file);
	close_two(out);
}

/* --- Unix sockets --- */

static void sees_unix_sockets(void **state)
{
	static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct two p = a_pair(types[i]);

		reads(p.a);
		close_two(p);
	}
	struct two p = full(a_pair(SOCK_STREAM));

	writes(p.b);
	close_two(p);
}

static void sees_messages(void **state)
{
	struct two p = a_pair(SOCK_DGRAM);
	struct iovec vec = {block, 4096};
	struct msghdr m = {.msg_iov = &vec, .msg_iovlen = 1};
	struct mmsghdr mm = {m, 0};
	struct victim v;

	(void)state;
	if (blocks(&v))
		exit((int)recvmsg(p.a, &m, 0));
	look_until(&v, SYS_recvmsg);
	assert_waits(&v, VIA_OP_READ, p.a);
	end(&v);
	if (blocks(&v))
		exit(recvmmsg(p.a, &mm, 1, 0, NULL));
	look_until(&v, SYS_recvmmsg);
	assert_waits(&v, VIA_OP_READ, p.a);
	end(&v);
	full(p);
	if (blocks(&v))
		exit((int)sendmsg(p.b, &m, 0));
	look_until(&v, SYS_sendmsg);
	assert_waits(&v, VIA_OP_WRITE, p.b);
	end(&v);
	if (blocks(&v))
		exit((int)send(p.b, block, 4096, 0));
	look_until(&v, SYS_sendto);
	assert_waits(&v, VIA_OP_WRITE, p.b);
	end(&v);
	close_two(p);
}

/* A wait that ends by itself is not for ever. */
static void sees_a_sockets_timeout(void **state)
{
	struct two p = a_pair(SOCK_STREAM);
	struct timeval hour = {.tv_sec = 3600};
	struct victim v;

	(void)state;
	setsockopt(p.a, SOL_SOCKET, SO_RCVTIMEO, &hour, sizeof(hour));
	if (blocks(&v))
		exit((int)read(p.a, block, 1));
	look_until(&v, SYS_read);
	if (v.waits[0].left_ns == VIA_UNKNOWN)
		check_skip("needs pidfd_getfd()");
	assert_true(v.waits[0].left_ns == INT64_C(3600000000000));
	end(&v);
	close_two(p);
}

/* A listener with an address of its own, and room for one. */
static int listener(struct sockaddr_un *un, socklen_t *len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	*len = sizeof(*un);
	*un = (struct sockaddr_un){.sun_family = AF_UNIX};
	assert_int_equal(bind(fd, (void *)un, sizeof(sa_family_t)), 0);
	assert_int_equal(getsockname(fd, (void *)un, len), 0);
	assert_int_equal(listen(fd, 0), 0);
	return fd;
}

static void sees_accept_and_connect(void **state)
{
	struct sockaddr_un un;
	socklen_t len;
	int fd = listener(&un, &len);
	int first = socket(AF_UNIX, SOCK_STREAM, 0);
	int second = socket(AF_UNIX, SOCK_STREAM, 0);
	struct victim v;

	(void)state;
	if (blocks(&v))
		exit(accept(fd, NULL, NULL));
	look_until(&v, SYS_accept);
	assert_waits(&v, VIA_OP_ACCEPT, fd);
	end(&v);
	assert_int_equal(connect(first, (void *)&un, len), 0);
	if (blocks(&v))
		exit(connect(second, (void *)&un, len));
	look_until(&v, SYS_connect);
	assert_int_equal(v.t->n_waits, 1);
	assert_int_equal(v.waits[0].fd, second);
	wait_on(&v, VIA_OP_CONNECT, ours(&v, fd));
	end(&v);
	close(first);
	close(second);
	close(fd);
}

static void sees_connect_by_path(void **state)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int first = socket(AF_UNIX, SOCK_STREAM, 0);
	int second = socket(AF_UNIX, SOCK_STREAM, 0);
	char dir[] = "/tmp/via-test-XXXXXX";
	struct victim v;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	strcpy(un.sun_path, "socket");
	assert_int_equal(bind(fd, (void *)&un, sizeof(un)), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(connect(first, (void *)&un, sizeof(un)), 0);
	/* By another name, through a link; not one whose time of access is to
	 * be set when it is followed: that is not done from the cache. */
	const struct timespec later[2] = {{.tv_sec = time(NULL) + 3600},
					  {.tv_nsec = UTIME_NOW}};

	assert_int_equal(symlink("socket", "link"), 0);
	assert_int_equal(
		utimensat(AT_FDCWD, "link", later, AT_SYMLINK_NOFOLLOW), 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/link", dir);
	if (blocks(&v))
		exit(connect(second, (void *)&un, sizeof(un)));
	look_until(&v, SYS_connect);
	wait_on(&v, VIA_OP_CONNECT, ours(&v, fd));
	end(&v);
	unlink("socket");
	unlink("link");
	assert_int_equal(chdir("/"), 0);
	rmdir(dir);
	close(first);
	close(second);
	close(fd);
}

/* --- Internet sockets --- */

static int inet_socket(int type, struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int fd = socket(AF_INET, type, 0);

	*at = (struct sockaddr_in){.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(fd, (void *)at, len), 0);
	assert_int_equal(getsockname(fd, (void *)at, &len), 0);
	return fd;
}

static void sees_tcp(void **state)
{
	struct sockaddr_in at, own;
	int fd = inet_socket(SOCK_STREAM, &at), client;
	struct victim v;

	(void)state;
	assert_int_equal(listen(fd, 1), 0);
	if (blocks(&v))
		exit(accept4(fd, NULL, NULL, 0));
	look_until(&v, SYS_accept4);
	assert_waits(&v, VIA_OP_ACCEPT, fd);
	end(&v);
	client = inet_socket(SOCK_STREAM, &own);
	assert_int_equal(connect(client, (void *)&at, sizeof(at)), 0);
	struct two p = {accept(fd, NULL, NULL), client};

	reads(p.a);
	full(p);
	writes(p.b);
	close_two(p);
	close(fd);
}

/* The queue is full, so the kernel drops who comes. */
static void sees_tcp_connect(void **state)
{
	struct sockaddr_in at;
	int fd = inet_socket(SOCK_STREAM, &at), clients[2];
	int last = socket(AF_INET, SOCK_STREAM, 0);
	struct victim v;

	(void)state;
	assert_int_equal(listen(fd, 0), 0);
	for (int i = 0; i < 2; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(clients[i], (void *)&at, sizeof(at));
	}
	if (blocks(&v))
		exit(connect(last, (void *)&at, sizeof(at)));
	look_until(&v, SYS_connect);
	wait_on(&v, VIA_OP_CONNECT, ours(&v, fd));
	assert_int_equal(v.waits[0].fd, last);
	end(&v);
	for (int i = 0; i < 2; i++)
		close(clients[i]);
	close(last);
	close(fd);
}

static void sees_udp(void **state)
{
	struct sockaddr_in at;
	int fd = inet_socket(SOCK_DGRAM, &at);
	struct victim v;

	(void)state;
	if (blocks(&v))
		exit((int)recv(fd, block, 1, 0));
	look_until(&v, SYS_recvfrom);
	assert_waits(&v, VIA_OP_READ, fd);
	end(&v);
	close(fd);
}

/* --- What has no name --- */

static void sees_event_counters(void **state)
{
	int fd = eventfd(0, 0);
	uint64_t most = UINT64_MAX - 1;
	struct victim v;

	(void)state;
	if (blocks(&v))
		exit((int)read(fd, &most, 8));
	look_until(&v, SYS_read);
	assert_waits(&v, VIA_OP_READ, fd);
	assert_int_equal(object(&v, 0)->kind, VIA_KIND_EVENTFD);
	end(&v);
	assert_int_equal(write(fd, &most, 8), 8);
	if (blocks(&v))
		exit((int)write(fd, &most, 8));
	look_until(&v, SYS_write);
	assert_waits(&v, VIA_OP_WRITE, fd);
	end(&v);
	close(fd);
}

static void sees_timers(void **state)
{
	struct itimerspec hour = {.it_value.tv_sec = 3600};
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	struct victim v;

	(void)state;
reads_as_time:
	if (blocks(&v))
		exit((int)read(fd, block, 8));
	look_until(&v, SYS_read);
	wait_on(&v, VIA_OP_TIME, v.waits[0].object);
	if (hour.it_value.tv_sec) {
		assert_true(v.waits[0].left_ns == -1);
		end(&v);
		timerfd_settime(fd, 0, &hour, NULL);
		hour.it_value.tv_sec = 0;
		goto reads_as_time;
	}
	assert_in_range(v.waits[0].left_ns, INT64_C(3500000000000),
			INT64_C(3601000000000));
	end(&v);
	close(fd);
}

static void sees_signals_as_records(void **state)
{
	struct victim v;
	sigset_t set;

	(void)state;
	sigemptyset(&set);
	int fd = signalfd(-1, &set, 0);

	if (blocks(&v))
		exit((int)read(fd, block, sizeof(block)));
	look_until(&v, SYS_read);
	assert_waits(&v, VIA_OP_SIGNAL, fd);
	end(&v);
	close(fd);
}

static void sees_inotify(void **state)
{
	int fd = inotify_init();

	(void)state;
	reads(fd);
	close(fd);
}

static void sees_terminals(void **state)
{
	struct two p;

	(void)state;
	if (openpty(&p.a, &p.b, NULL, NULL, NULL) < 0)
		check_skip("needs pseudo-terminals");
	reads(p.a);
	reads(p.b);
	close_two(p);
}

static void sees_message_queues(void **state)
{
	struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
	mqd_t mq = mq_open("/via-test", O_RDWR | O_CREAT, 0600, &attr);
	struct timespec late = {.tv_sec = INT32_MAX};
	struct victim v;

	(void)state;
	if (mq < 0)
		check_skip("needs POSIX message queues");
	mq_unlink("/via-test");
	if (blocks(&v))
		exit((int)mq_receive(mq, block, 8, NULL));
	look_until(&v, SYS_mq_timedreceive);
	assert_waits(&v, VIA_OP_READ, mq);
	end(&v);
	assert_int_equal(mq_send(mq, "x", 1, 0), 0);
	if (blocks(&v))
		exit(mq_timedsend(mq, "x", 1, 0, &late));
	look_until(&v, SYS_mq_timedsend);
	assert_int_equal(wait_on(&v, VIA_OP_WRITE, ours(&v, mq))->fd, mq);
	assert_true(v.waits[0].left_ns > 0);
	end(&v);
	mq_close(mq);
}

static void sees_rings(void **state)
{
	struct io_uring_params params = {0};
	int fd = (int)syscall(SYS_io_uring_setup, 1, &params);
	struct victim v;

	(void)state;
	if (fd < 0)
		check_skip("needs io_uring");
	if (blocks(&v))
		exit((int)syscall(SYS_io_uring_enter, fd, 0, 1,
				  IORING_ENTER_GETEVENTS, NULL, 0));
	look_until(&v, SYS_io_uring_enter);
	assert_int_equal(wait_on(&v, VIA_OP_EVENT, ours(&v, fd))->fd, fd);
	assert_int_equal(object(&v, 0)->kind, VIA_KIND_URING);
	end(&v);
	close(fd);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(sees_pipes),
	CHECK_TEST(sees_vectors),
	CHECK_TEST(sees_which_side_of_a_splice),
	CHECK_TEST(sees_sendfile),
	CHECK_TEST(sees_unix_sockets),
	CHECK_TEST(sees_messages),
	CHECK_TEST(sees_a_sockets_timeout),
	CHECK_TEST(sees_accept_and_connect),
	CHECK_TEST(sees_connect_by_path),
	CHECK_TEST(sees_tcp),
	CHECK_TEST(sees_tcp_connect),
	CHECK_TEST(sees_udp),
	CHECK_TEST(sees_event_counters),
	CHECK_TEST(sees_timers),
	CHECK_TEST(sees_signals_as_records),
	CHECK_TEST(sees_inotify),
	CHECK_TEST(sees_terminals),
	CHECK_TEST(sees_message_queues),
	CHECK_TEST(sees_rings),
};
CHECK_MAIN(tests)
