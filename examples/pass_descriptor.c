/* SPDX-License-Identifier: MIT */
/*
 * Pass an open pipe over a Unix socket to a process that did not inherit it.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* On a stream a descriptor travels beside a byte of data, at least. */
static struct iovec data = {&(char){0}, 1};
static _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
static struct msghdr message = {.msg_iov = &data,
				.msg_iovlen = 1,
				.msg_control = control,
				.msg_controllen = sizeof(control)};

static int receive(int socket)
{
	int fd;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) <= 0 ||
	    !CMSG_FIRSTHDR(&message))
		errx(1, "no descriptor came");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

int main(void)
{
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	char text[64];
	int pair[2], fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		err(1, "socketpair");

	pid_t child = fork();

	if (child == 0)
		return dprintf(receive(pair[1]), "hello from the child") < 0;
	if (child < 0 || pipe2(fds, O_CLOEXEC) < 0)
		err(1, "setup");
	close(pair[1]); /* or sending to a dead child would succeed */
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fds[1], sizeof(int));
	if (sendmsg(pair[0], &message, MSG_NOSIGNAL) < 0)
		err(1, "sendmsg");
	close(fds[1]);

	ssize_t n = read(fds[0], text, sizeof(text));

	return n <= 0 || printf("from the pipe: %.*s\n", (int)n, text) < 0 ||
	       waitpid(child, NULL, 0) < 0;
}
