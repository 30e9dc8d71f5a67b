/* SPDX-License-Identifier: MIT */
#include <algorithm>
#include <memory>
#include <string>

#include <boost/interprocess/ipc/message_queue.hpp>

#include "bench/loops.h"

using boost::interprocess::message_queue;
namespace ipc = boost::interprocess;

static const std::size_t queue_len = 64;

static int boost_open(struct bench_plan *plan, struct bench_channel *channel,
		      enum bench_role role, void **ret)
{
	/* A name in /dev/shm: the path without its slashes. */
	std::string name = channel->url[role];

	std::replace(name.begin(), name.end(), '/', '_');
	try {
		std::unique_ptr<message_queue> queue;

		if (role == BENCH_RECEIVER) {
			queue.reset(new message_queue(ipc::create_only,
						      name.c_str(), queue_len,
						      plan->size));
		} else {
			queue.reset(new message_queue(ipc::open_only,
						      name.c_str()));
			/* Both have it: the name must not outlive them. */
			message_queue::remove(name.c_str());
		}
		*ret = queue.release();
		return 0;
	} catch (const std::exception &e) {
		return bench_fail(plan, -EIO, "%s: %s", name.c_str(), e.what());
	}
}

static void boost_close(void *end)
{
	delete static_cast<message_queue *>(end);
}

static int boost_send(void *end, const void *data, size_t len)
{
	try {
		static_cast<message_queue *>(end)->send(data, len, 0);
		return 0;
	} catch (const std::exception &) {
		return -EIO;
	}
}

static ssize_t boost_recv(void *end, void *buf, size_t size)
{
	message_queue::size_type len;
	unsigned int priority;

	try {
		static_cast<message_queue *>(end)->receive(buf, size, len,
							   priority);
		return static_cast<ssize_t>(len);
	} catch (const std::exception &) {
		return -EIO;
	}
}

BENCH_LOOPS(boost)

extern "C" const struct bench_engine bench_boost;
const struct bench_engine bench_boost = {
	"boost",
	nullptr,
	false,
	nullptr,
	nullptr,
	boost_open,
	boost_close,
	{BENCH_LOOP_ROWS(boost)},
	{nullptr, nullptr},
};
