/* SPDX-License-Identifier: MIT */
/*
 * A producer and a consumer, with libvia.
 *
 * Simpler: a channel is the buffer, the lock, both conditions and the end. And
 * the two may as well be processes: see talk.c.
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <via/via.h>

#define ITEMS 10000

static void *consume(void *receiver)
{
	long n = 0, sum = 0;
	ssize_t len;
	int item;

	while ((len = via_recv(receiver, &item, sizeof(item), VIA_NEVER)) ==
	       sizeof(item)) {
		n++;
		sum += item;
	}
	if (len != -EPIPE)
		errx(1, "%s", via_last_error(receiver)->text);
	printf("%ld items, sum %ld\n", n, sum);
	return NULL;
}

int main(void)
{
	struct via_channel *receiver, *sender;
	struct via_error error;
	pthread_t thread;

	if (via_pair("shm:", &receiver, &sender, &error) < 0)
		errx(1, "%s", error.text);
	if ((errno = pthread_create(&thread, NULL, consume, receiver)))
		err(1, "pthread_create");

	for (int i = 1; i <= ITEMS; i++)
		if (via_send(sender, &i, sizeof(i), VIA_NEVER) < 0)
			errx(1, "%s", via_last_error(sender)->text);
	if (via_close(sender, VIA_NEVER) < 0)
		errx(1, "the consumer did not take it all");
	pthread_join(thread, NULL);
	return via_close(receiver, VIA_NEVER) < 0;
}
