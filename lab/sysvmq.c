/* SPDX-License-Identifier: MIT */
/* System V message queues: sysvipc(7). */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab/lab.h"

struct message {
	long type;
	char text[64];
};

/* msgsnd() of a text. */
static int put(int queue, long type, const char *text)
{
	struct message m = {type, {0}};

	strcpy(m.text, text);
	return msgsnd(queue, &m, strlen(text), 0);
}

/* Take a message of this type, which has to be there and to be this one. */
static void expect_next(int queue, long type, int flags, const char *text)
{
	struct message m;
	ssize_t len = MUST(msgrcv, queue, &m, sizeof(m.text), type,
			   flags | IPC_NOWAIT);

	EXPECT_TEXT(m.text, len, text);
}

static void sysvmq_01(void)
{
	struct message m = {0, "x"};
	int q = MUST(msgget, IPC_PRIVATE, 0600);

	FAILS(EINVAL, msgsnd, q, &m, 1, 0);
	m.type = -1;
	FAILS(EINVAL, msgsnd, q, &m, 1, 0);

	MUST(put, q, 5, "first of all");
	MUST(put, q, 3, "three");
	MUST(put, q, 2, "two");
	MUST(put, q, 2, "two again");
	MUST(put, q, 7, "seven");
	MUST(put, q, 1, "");
	expect_next(q, 0, 0, "first of all");
	expect_next(q, 2, 0, "two");
	expect_next(q, -3, 0, "");
	expect_next(q, -3, 0, "two again");
	expect_next(q, 3, MSG_EXCEPT, "seven");
	FAILS(ENOMSG, msgrcv, q, &m, sizeof(m.text), 9, IPC_NOWAIT);
	expect_next(q, 0, 0, "three");
}

static void sysvmq_02(void)
{
	struct msqid_ds info;
	struct message m;

	CHILD(sender) {
		int q = MUST(msgget, IPC_PRIVATE, 0600);

		MUST(put, q, 1, "I shall be gone");
		lab_post(&lab_cell[0], q);
	}
	lab_wait(sender);
	FAILS(ESRCH, kill, sender, 0);

	int q = (int)lab_cell[0];

	MUST(msgctl, q, IPC_STAT, &info);
	EXPECT(info.msg_qnum, ==, 1);
	EXPECT(info.msg_lspid, ==, sender);
	EXPECT(info.msg_lrpid, ==, 0);
	expect_next(q, 0, 0, "I shall be gone");
	MUST(msgctl, q, IPC_RMID, NULL);
	FAILS(EINVAL, msgrcv, q, &m, sizeof(m.text), 0, IPC_NOWAIT);
}

static void sysvmq_03(void)
{
	struct message m = {1, "0123456789"};
	struct msqid_ds info;
	int q = MUST(msgget, IPC_PRIVATE, 0600), n_sent = 0;

	MUST(put, q, 1, "0123456789");
	FAILS(E2BIG, msgrcv, q, &m, 4, 0, 0);
	MUST(msgctl, q, IPC_STAT, &info);
	EXPECT(info.msg_qnum, ==, 1);
	GIVES(4, msgrcv, q, &m, 4, 0, MSG_NOERROR);
	/* What did not fit is gone, not left for the next receive. */
	FAILS(ENOMSG, msgrcv, q, &m, 10, 0, IPC_NOWAIT);

	info.msg_qbytes = 100;
	MUST(msgctl, q, IPC_SET, &info);
	while (CALL(msgsnd, q, &m, 10, IPC_NOWAIT) == 0)
		n_sent++;
	EXPECT(errno, ==, EAGAIN);
	EXPECT(n_sent, ==, 10);
	CHILD(sender) {
		GIVES(0, msgsnd, q, &m, 10, 0);
	}
	EXPECT(lab_blocked(sender, SYS_msgsnd), ==, true);
	GIVES(10, msgrcv, q, &m, 10, 0, 0);
	EXPECT(lab_wait(sender), ==, 0);
}

static void sysvmq_04(void)
{
	struct message m = {1, "x"};
	int q = MUST(msgget, IPC_PRIVATE, 0600);

	while (CALL(msgsnd, q, &m, sizeof(m.text), IPC_NOWAIT) == 0)
		;
	CHILD(sender) {
		FAILS(EIDRM, msgsnd, q, &m, sizeof(m.text), 0);
	}
	CHILD(receiver) {
		FAILS(EIDRM, msgrcv, q, &m, sizeof(m.text), 2, 0);
	}
	EXPECT(lab_blocked(sender, SYS_msgsnd), ==, true);
	EXPECT(lab_blocked(receiver, SYS_msgrcv), ==, true);
	MUST(msgctl, q, IPC_RMID, NULL);
	EXPECT(lab_wait(sender), ==, 0);
	EXPECT(lab_wait(receiver), ==, 0);
	/* Who comes later finds no queue at all. */
	FAILS(EINVAL, msgsnd, q, &m, 1, 0);
}

#define N_EACH 1000 /* messages of each of the three senders */

struct numbered {
	long type;
	int number; /* -1: the last one for its receiver */
};

static void send_numbers(int queue, int first)
{
	for (int i = first; i < first + N_EACH; i++) {
		struct numbered m = {1, i};

		EXPECT(msgsnd(queue, &m, sizeof(m.number), 0), ==, 0);
	}
}

/* Count how often each number comes, and how many came here. */
static void receive_numbers(int queue, int *times, volatile long *n_here)
{
	struct numbered m;

	while (msgrcv(queue, &m, sizeof(m.number), 0, 0) > 0 && m.number >= 0) {
		/* Relaxed: read after the receivers have ended. */
		__atomic_fetch_add(&times[m.number], 1, __ATOMIC_RELAXED);
		++*n_here;
	}
}

static void sysvmq_05(void)
{
	struct numbered last = {1, -1};
	pid_t senders[3], receivers[3];
	int q = MUST(msgget, IPC_PRIVATE, 0600);
	int *times = MUST(mmap, NULL, 3 * N_EACH * sizeof(int),
			  PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			  -1, 0);

	for (int i = 0; i < 3; i++) {
		CHILD(receiver) {
			receive_numbers(q, times, &lab_cell[i]);
		}
		EXPECT(lab_blocked(receiver, SYS_msgrcv), ==, true);
		receivers[i] = receiver;
	}
	for (int i = 0; i < 3; i++) {
		CHILD(sender) {
			send_numbers(q, i * N_EACH);
		}
		senders[i] = sender;
	}
	for (int i = 0; i < 3; i++)
		EXPECT(lab_wait(senders[i]), ==, 0);
	for (int i = 0; i < 3; i++)
		MUST(msgsnd, q, &last, sizeof(last.number), 0);
	for (int i = 0; i < 3; i++) {
		EXPECT(lab_wait(receivers[i]), ==, 0);
		EXPECT(lab_cell[i], >, 0);
	}
	for (int i = 0; i < 3 * N_EACH; i++)
		EXPECT(times[i], ==, 1);
}

static const struct lab_experiment experiments[] = {
	{"sysvmq.01", "a message has a type, and a receiver chooses by it",
	 "msgop(2)", sysvmq_01},
	{"sysvmq.02", "a queue and what is in it outlive their processes",
	 "sysvipc(7), msgctl(2)", sysvmq_02},
	{"sysvmq.03", "what is too large stays, and a full queue blocks",
	 "msgop(2), msgctl(2)", sysvmq_03},
	{"sysvmq.04", "removing a queue wakes who sleeps on it with EIDRM",
	 "msgop(2), msgctl(2)", sysvmq_04},
	{"sysvmq.05", "each message goes to exactly one of many receivers",
	 "msgop(2)", sysvmq_05},
	{0},
};

const struct lab_section lab_sysvmq = {
	.name = "sysvmq",
	.title = "System V message queues",
	.experiments = experiments,
};
