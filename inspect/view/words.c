/* SPDX-License-Identifier: MIT */
#include "inspect/view/words.h"

#include <via/inspect.h>

#include "inspect/model/programs.h"

const char *via__kind_word(unsigned int value)
{
	return via_kind_name((enum via_kind)value);
}

const char *via__op_word(unsigned int value)
{
	return via_op_name((enum via_op)value);
}

const char *via__program_word(unsigned int value)
{
	return via__program_name(value);
}

/* A function that knows the words of 0, 1, 2 ... */
#define WORDS(name, ...)                                                       \
	const char *name(unsigned int value)                                   \
	{                                                                      \
		static const char *const words[] = {__VA_ARGS__};              \
                                                                               \
		return value < sizeof(words) / sizeof(*words) ? words[value]   \
							      : "";            \
	}

WORDS(via__seen_word, "unknown", "likely", "all")
WORDS(via__source_word, "proc", "diag", "call", "memory", "bpf")
WORDS(via__certainty_word, "exact", "likely", "guess")
WORDS(via__how_word, "fd", "map", "cwd", "root", "exe", "lock", "sender",
      "receiver")
WORDS(via__link_word, "connecting", "watches", "in-flight", "backed")
WORDS(via__lock_word, "flock", "posix", "ofd", "lease")
WORDS(via__futex_word, "unknown", "mutex", "robust", "pi", "join", "via",
      "rwlock")
/* In the order of include/net/tcp_states.h of the kernel. */
WORDS(via__socket_state_word, "unknown", "established", "syn-sent", "syn-recv",
      "fin-wait-1", "fin-wait-2", "time-wait", "unconnected", "close-wait",
      "last-ack", "listen", "closing", "new-syn-recv", "bound-inactive")

WORDS(via__want_word, "fds", "paths", "maps", "all-maps", "sockets", "ipc",
      "levels", "locks", "waits", "signals", "channels", "names")
WORDS(via__hidden_word, "fds", "maps", "waits", "paths")
WORDS(via__process_flag_word, "frozen", "kernel", "self")
WORDS(via__thread_flag_word, "moved", "woken")
WORDS(via__object_flag_word, "deleted", "listens", "packets", "remote",
      "private", "shut-read", "shut-write")
WORDS(via__hold_flag_word, "read", "write", "exec", "shared", "nonblock",
      "cloexec")
