/* SPDX-License-Identifier: MIT */
/*
 * A System V message queue, read by type instead of in order.
 *
 * The queue outlives its maker until it is removed (`ipcs -q`, `ipcrm -q`).
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>

struct message {
	long type; /* over 0; not counted in the length */
	char text[32];
};

static void send(int queue, long type, const char *text)
{
	struct message m = {.type = type};
	size_t len = strlen(text);

	memcpy(m.text, text, len);
	if (msgsnd(queue, &m, len, IPC_NOWAIT) < 0)
		warn("msgsnd");
}

static void receive(int queue, long type, const char *meaning)
{
	struct message m;
	ssize_t len = msgrcv(queue, &m, sizeof(m.text), type, IPC_NOWAIT);

	if (len < 0)
		warn("msgrcv");
	else
		printf("%2ld (%s): %.*s, type %ld\n", type, meaning, (int)len,
		       m.text, m.type);
}

int main(void)
{
	int queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);

	if (queue < 0)
		err(1, "msgget");
	send(queue, 3, "first");
	send(queue, 2, "second");
	send(queue, 1, "third");
	send(queue, 2, "fourth");

	receive(queue, 2, "the first of type 2");
	receive(queue, -2, "the lowest type up to 2");
	receive(queue, 0, "the first of any type");
	receive(queue, 0, "the first of any type");
	if (msgctl(queue, IPC_RMID, NULL) < 0)
		err(1, "msgctl");
	return 0;
}
