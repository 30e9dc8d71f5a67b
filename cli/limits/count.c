/* SPDX-License-Identifier: MIT */
/* Use as the kernel counts it. */
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/statvfs.h>

#include "cli/limits/measure.h"

/* --- System V: of our own IPC namespace --- */

void limit_shm_pages(const struct via_snapshot *s, struct limit *ret)
{
	struct shm_info info;

	(void)s;
	if (shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&info) >= 0)
		ret->used = (int64_t)info.shm_tot;
}

void limit_shm_segments(const struct via_snapshot *s, struct limit *ret)
{
	struct shm_info info;

	(void)s;
	if (shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&info) >= 0)
		ret->used = info.used_ids;
}

static bool sem_info(struct seminfo *ret)
{
	union {
		struct seminfo *info;
	} arg = {ret};

	return semctl(0, 0, SEM_INFO, arg) >= 0;
}

void limit_sem_sets(const struct via_snapshot *s, struct limit *ret)
{
	struct seminfo info;

	(void)s;
	if (sem_info(&info))
		ret->used = info.semusz;
}

void limit_sem_all(const struct via_snapshot *s, struct limit *ret)
{
	struct seminfo info;

	(void)s;
	if (sem_info(&info))
		ret->used = info.semaem;
}

void limit_msg_queues(const struct via_snapshot *s, struct limit *ret)
{
	struct msginfo info;

	(void)s;
	if (msgctl(0, MSG_INFO, (struct msqid_ds *)(void *)&info) >= 0)
		ret->used = info.msgpool;
}

/* --- The machine --- */

void limit_files(const struct via_snapshot *s, struct limit *ret)
{
	(void)s;
	ret->used = limit_number("/proc/sys/fs/file-nr", 0);
}

void limit_aio(const struct via_snapshot *s, struct limit *ret)
{
	(void)s;
	ret->used = limit_number("/proc/sys/fs/aio-nr", 0);
}

void limit_pty(const struct via_snapshot *s, struct limit *ret)
{
	(void)s;
	ret->used = limit_number("/proc/sys/kernel/pty/nr", 0);
}

/* "0.01 0.02 0.03 1/123 4711": proc_loadavg(5). */
void limit_tasks(const struct via_snapshot *s, struct limit *ret)
{
	FILE *f = fopen("/proc/loadavg", "re");
	long n;

	(void)s;
	if (!f)
		return;
	if (fscanf(f, "%*f %*f %*f %*d/%ld", &n) == 1)
		ret->used = n;
	fclose(f);
}

void limit_devshm(const struct via_snapshot *s, struct limit *ret)
{
	struct statvfs st;

	(void)s;
	if (statvfs("/dev/shm", &st) < 0)
		return;
	ret->limit = st.f_blocks ? (int64_t)(st.f_blocks * st.f_frsize)
				 : LIMIT_NONE;
	if (st.f_blocks)
		ret->used = (int64_t)((st.f_blocks - st.f_bfree) * st.f_frsize);
}

/* --- Keys: "uid: usage nkeys/nikeys qnkeys/maxkeys qnbytes/maxbytes" --- */

/* The user who is nearest to his limit, which is another one for root. */
static void key_users(struct limit *ret, bool bytes)
{
	FILE *f = fopen("/proc/key-users", "re");
	unsigned int uid;
	long n[4];

	while (f && fscanf(f, "%u: %*d %*d/%*d %ld/%ld %ld/%ld", &uid, &n[0],
			   &n[1], &n[2], &n[3]) == 5) {
		struct limit one = *ret;

		one.used = n[2 * bytes];
		one.limit = n[2 * bytes + 1];
		if (ret->used != VIA_UNKNOWN &&
		    limit_share(&one) <= limit_share(ret))
			continue;
		*ret = one;
		limit_who_user(uid, ret->who);
	}
	if (f)
		fclose(f);
}

void limit_keys(const struct via_snapshot *s, struct limit *ret)
{
	(void)s;
	key_users(ret, false);
}

void limit_key_bytes(const struct via_snapshot *s, struct limit *ret)
{
	(void)s;
	key_users(ret, true);
}
