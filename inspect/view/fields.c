/* SPDX-License-Identifier: MIT */
#include "inspect/view/fields.h"

#include <string.h>

#include "inspect/view/words.h"

/* --- Rows --- */

#define AT(type, member)  (((type *)0)->member)
#define SIGNED(t, member) ((__typeof__(AT(t, member)))-1 < 1)

/* Each of a member of struct R, which is defined where they are used. */
#define SOME(kind, member, one, count, name, text, ...)                        \
	{                                                                      \
		.key = (name), .help = (text), .type = (kind), .size = (one),  \
		.offset = offsetof(R, member), .n = (count), __VA_ARGS__       \
	}
#define ROW(kind, member, name, text, ...)                                     \
	SOME(kind, member, sizeof(AT(R, member)), 1, name, text, __VA_ARGS__)
#define NUMBER_OR(member, name, unless, text)                                  \
	ROW(VIA__NUMBER, member, name, text, .none = (unless),                 \
	    .is_signed = SIGNED(R, member))
#define NUMBER(member, name, text) NUMBER_OR(member, name, 0, text)
#define NEEDED(member, name, text)                                             \
	ROW(VIA__NUMBER, member, name, text, .is_signed = SIGNED(R, member),   \
	    .required = true)
#define MAYBE(member, name, text) NUMBER_OR(member, name, VIA_UNKNOWN, text)
#define TEXT(member, name, text)  ROW(VIA__TEXT, member, name, text)
#define WORD(member, name, words, text)                                        \
	ROW(VIA__WORD, member, name, text, .word = (words))
#define WORD_NEEDED(member, name, words, text)                                 \
	ROW(VIA__WORD, member, name, text, .word = (words), .required = true)
#define SET(member, name, words, text)                                         \
	ROW(VIA__SET, member, name, text, .word = (words))
#define INDEX(member, name, of, text)                                          \
	ROW(VIA__INDEX, member, name, text, .none = VIA_NONE, .record = (of))
#define INDEX_NEEDED(member, name, of, text)                                   \
	ROW(VIA__INDEX, member, name, text, .record = (of), .required = true)
#define END                                                                    \
	{                                                                      \
		0                                                              \
	}

/* clang-format off */
#define R struct via_sight
static const struct via__field sight[] = {
	NUMBER(taken, "taken", "when, in seconds since 1970"),
	NUMBER(took_ns, "took_ns", "from the first to the last look"),
	NUMBER(boot_ticks, "boot_ticks", "when, in clock ticks after boot"),
	NUMBER(ticks_per_s, "ticks_per_s", "clock ticks in a second"),
	NUMBER(taken_ticks, "taken_ticks", "when, in clock ticks behind taken"),
	NUMBER(memory, "memory", "of the machine, in bytes"),
	NUMBER(uid, "uid", "who looked"),
	NUMBER(pid_ns, "pid_ns", "from which pid namespace"),
	NUMBER(init_ns, "init_ns", "1: it is the machine's own, so that all "
	       "processes can be seen"),
	SET(want, "want", via__want_word, "what was looked at"),
	WORD(source, "source", via__source_word, "through what"),
	NUMBER(n_processes, "n_processes",
	       "how many processes there were, without kernel threads"),
	NUMBER(n_hidden_fds, "n_hidden_fds",
	       "of how many the descriptors could not be seen"),
	NUMBER(n_hidden_maps, "n_hidden_maps", "of how many the mappings"),
	NUMBER(n_hidden_waits, "n_hidden_waits",
	       "of how many what they wait for"),
	NUMBER(n_gone, "n_gone", "how many vanished while being looked at"),
	NUMBER(n_dropped, "n_dropped",
	       "how many records joined nothing and were left out"),
	NUMBER(n_in_flight, "n_in_flight",
	       "how many sockets and rings have descriptors of what is not "
	       "known: in messages, registered"),
	SET(refused, "refused", via__program_word,
	    "of source bpf, what the kernel has refused to be told"),
	END
};
#undef R

#define R struct via_process
static const struct via__field process[] = {
	NEEDED(task.pid, "pid", "process id; the processes are in its order"),
	NUMBER(task.tid, "tid", "thread id of its first thread"),
	SOME(VIA__CHARS, task.comm, 1, VIA_COMM_MAX + 1, "comm",
	     "its short name"),
	ROW(VIA__LETTER, task.state, "state",
	    "R S D T t Z X I: proc_pid_stat(5)"),
	NUMBER(task.start, "start", "in clock ticks after boot"),
	NUMBER(task.ppid, "ppid", "parent"),
	NUMBER(task.pgid, "pgid", "process group"),
	NUMBER(task.sid, "sid", "session"),
	NUMBER(task.tty, "tty", "device number of its terminal"),
	NUMBER(task.tty_pgid, "tty_pgid",
	       "foreground group of the terminal; -1: none"),
	NUMBER(task.flags, "task_flags", "the kernel's PF_ bits"),
	NUMBER(task.utime, "utime", "user time, in clock ticks"),
	NUMBER(task.stime, "stime", "system time, in clock ticks"),
	NUMBER(task.nice, "nice", "-20 to 19"),
	NUMBER(task.cpu, "cpu", "on which it runs, or ran last"),
	NUMBER(task.n_threads, "n_threads", "how many threads it has"),
	NUMBER(task.vsize, "vsize", "address space, in bytes"),
	NUMBER(task.rss, "rss", "resident, in bytes"),
	NUMBER(signals.pending, "signals_pending",
	       "for its first thread: bit N - 1 for signal N"),
	NUMBER(signals.shared, "signals_shared", "pending for the process"),
	NUMBER(signals.blocked, "signals_blocked", "by its first thread"),
	NUMBER(signals.ignored, "signals_ignored", "by the process"),
	NUMBER(signals.caught, "signals_caught", "by the process"),
	NUMBER(signals.queued, "signals_queued", "of its user"),
	NUMBER(signals.queue_max, "signals_queue_max",
	       "how many its user may have queued"),
	NUMBER(signals.uid, "signals_uid", "whose queue it is"),
	NUMBER(uid, "uid", "real user"),
	NUMBER(euid, "euid", "effective user"),
	ROW(VIA__ARGS, command, "command", "its arguments"),
	TEXT(exe, "exe", "path of its program"),
	TEXT(cwd, "cwd", "its current directory"),
	NUMBER(pid_ns, "pid_ns", "inode number of its pid namespace"),
	NUMBER(net_ns, "net_ns", "of its network namespace"),
	NUMBER(mnt_ns, "mnt_ns", "of its mount namespace"),
	NUMBER(ipc_ns, "ipc_ns", "of its IPC namespace"),
	NUMBER(user_ns, "user_ns", "of its user namespace"),
	NUMBER(inner_pid, "inner_pid", "its pid in its own namespace"),
	NUMBER(tracer, "tracer", "pid of who traces it"),
	SET(hidden, "hidden", via__hidden_word,
	    "parts that could not be seen"),
	SET(flags, "flags", via__process_flag_word, "what else it is"),
	END
};
#undef R

#define R struct via_thread
static const struct via__field thread[] = {
	INDEX_NEEDED(process, "process", VIA__PROCESSES,
		     "whose; the threads are in its order"),
	NEEDED(tid, "tid", "thread id"),
	NUMBER(inner_tid, "inner_tid", "in its own pid namespace"),
	NUMBER(start, "start", "in clock ticks after boot"),
	TEXT(comm, "comm", "its short name"),
	TEXT(wchan, "wchan", "where in the kernel it waits"),
	ROW(VIA__LETTER, state, "state", "as of a process"),
	SET(flags, "flags", via__thread_flag_word, "what else is known"),
	NUMBER_OR(call.nr, "call", VIA_SYSCALL_UNKNOWN,
		  "number of the system call it is in; -1: it waits outside "
		  "of one, -2: it runs"),
	SOME(VIA__NUMBER, call.args, sizeof(uint64_t), 6, "args",
	     "six words given to that call"),
	NUMBER(ran, "ran", "how often it was put on a CPU"),
	MAYBE(since_ns, "since_ns", "it has not run for so long"),
	NUMBER(pending, "pending", "signals: bit N - 1 for signal N"),
	NUMBER(blocked, "blocked", "signals"),
	END
};
#undef R

#define R struct via_object
static const struct via__field object[] = {
	WORD_NEEDED(kind, "kind", via__kind_word, "what it is"),
	SET(flags, "flags", via__object_flag_word, "what else it is"),
	NUMBER(dev, "dev", "device number, or what else tells it from others "
	       "of its kind: via/inspect.h"),
	NUMBER(ino, "ino", "inode number or id"),
	NUMBER(sub, "sub", "part"),
	TEXT(name, "name", "path, address or key"),
	INDEX(peer, "peer", VIA__OBJECTS, "its other end"),
	WORD(seen, "seen", via__seen_word,
	     "whether all who hold it are known"),
	MAYBE(level, "level", "how full it is, in the kind's unit"),
	MAYBE(capacity, "capacity", "how much fits"),
	END
};
#undef R

#define R struct via_holding
static const struct via__field hold[] = {
	INDEX_NEEDED(process, "process", VIA__PROCESSES, "who"),
	INDEX_NEEDED(object, "object", VIA__OBJECTS, "what"),
	WORD_NEEDED(how, "how", via__how_word, "as what"),
	NUMBER(id, "id", "fd: the descriptor; lock: the thread"),
	SET(flags, "flags", via__hold_flag_word, "for what"),
	NUMBER(start, "start", "map: address; fd: offset; lock of a "
	       "System V semaphore: units"),
	NUMBER(end, "end", "map: address behind it; lock: which semaphore"),
	WORD(source, "source", via__source_word, "where this comes from"),
	WORD(certainty, "certainty", via__certainty_word, "how sure it is"),
	END
};
#undef R

#define R struct via_wait
static const struct via__field wait[] = {
	INDEX_NEEDED(thread, "thread", VIA__THREADS, "who"),
	WORD_NEEDED(op, "op", via__op_word, "to do what"),
	INDEX(object, "object", VIA__OBJECTS, "with what"),
	INDEX(on_process, "on_process", VIA__PROCESSES, "for which process"),
	INDEX(on_thread, "on_thread", VIA__THREADS, "for which thread"),
	NUMBER_OR(fd, "fd", -1, "through which descriptor"),
	NUMBER(exclusive, "exclusive", "lock: 1: not a shared one"),
	NUMBER_OR(left_ns, "left_ns", -1, "it ends by itself after at most so "
		  "long; null: perhaps"),
	NUMBER(group, "group", "those with the same number must all come"),
	NUMBER(index, "index", "which semaphore of a set"),
	NUMBER(amount, "amount", "how many units of it"),
	WORD(source, "source", via__source_word, "where this comes from"),
	WORD(certainty, "certainty", via__certainty_word, "how sure it is"),
	END
};
#undef R

#define R struct via_link
static const struct via__field link[] = {
	INDEX_NEEDED(from, "from", VIA__OBJECTS, "what"),
	INDEX_NEEDED(to, "to", VIA__OBJECTS, "belongs to what"),
	WORD_NEEDED(kind, "kind", via__link_word, "how"),
	NUMBER(events, "events", "watches: EPOLL bits; in-flight: what it is "
	       "open for, 1 to read, 2 to write"),
	WORD(source, "source", via__source_word, "where this comes from"),
	WORD(certainty, "certainty", via__certainty_word, "how sure it is"),
	END
};
#undef R

#define R struct via_socket
static const struct via__field socket[] = {
	INDEX_NEEDED(object, "object", VIA__OBJECTS, "which"),
	NUMBER(family, "family", "AF_ number"),
	NUMBER(type, "type", "SOCK_ number"),
	NUMBER(protocol, "protocol", "IPPROTO_ number"),
	WORD(state, "state", via__socket_state_word, "as ss(8) names it"),
	NUMBER(net_ns, "net_ns", "inode number of its network namespace"),
	NUMBER(file_dev, "file_dev", "Unix: device of its path"),
	NUMBER(file_ino, "file_ino", "Unix: inode number of its path"),
	TEXT(local, "local", "its address"),
	TEXT(remote, "remote", "that of its peer"),
	NUMBER(uid, "uid", "whose it is"),
	MAYBE(receive, "receive", "bytes to be read; listening: how many "
	      "wait to be accepted"),
	MAYBE(send, "send", "bytes the peer has not taken; listening: how "
	      "many may wait"),
	MAYBE(receive_max, "receive_max", "room, in bytes"),
	MAYBE(send_max, "send_max", "room, in bytes"),
	NUMBER(received, "received", "TCP: bytes ever"),
	NUMBER(sent, "sent", "TCP: bytes ever"),
	NUMBER(dropped, "dropped", "UDP: datagrams without room, ever"),
	END
};
#undef R

#define R struct via_ipc
static const struct via__field ipc[] = {
	INDEX_NEEDED(object, "object", VIA__OBJECTS, "which"),
	NUMBER(key, "key", "System V key"),
	NUMBER(id, "id", "System V id"),
	NUMBER(uid, "uid", "whose it is"),
	NUMBER(gid, "gid", "of which group"),
	NUMBER(creator_uid, "creator_uid", "who made it"),
	NUMBER(mode, "mode", "access mode"),
	NUMBER(creator, "creator", "pid of who made it"),
	NUMBER(last, "last", "pid of who used it last"),
	NUMBER(last_receiver, "last_receiver",
	       "System V queue: pid of who received last"),
	MAYBE(size, "size", "bytes; semaphores: how many"),
	MAYBE(resident, "resident", "bytes in memory"),
	MAYBE(n_attached, "n_attached", "System V memory: how often"),
	MAYBE(n_messages, "n_messages", "queues: how many wait"),
	MAYBE(message_max, "message_max", "queues: the longest, in bytes"),
	MAYBE(made, "made", "when, in seconds since 1970"),
	MAYBE(changed, "changed", "when its state was"),
	MAYBE(used, "used", "when it was last"),
	END
};
#undef R

#define R struct via_semaphore
static const struct via__field semaphore[] = {
	INDEX_NEEDED(object, "object", VIA__OBJECTS,
		     "of which set; those of one follow each other"),
	NUMBER(value, "value", "its value"),
	NUMBER(last, "last", "pid of who changed it last"),
	NUMBER(n_waiting, "n_waiting", "how many wait for more of it"),
	NUMBER(n_waiting_zero, "n_waiting_zero",
	       "how many wait for it to be 0"),
	END
};
#undef R

#define R struct via_file_lock
static const struct via__field lock[] = {
	INDEX_NEEDED(object, "object", VIA__OBJECTS, "which"),
	INDEX(file, "file", VIA__OBJECTS, "on what"),
	WORD(type, "type", via__lock_word, "of which sort"),
	NUMBER(exclusive, "exclusive", "1: not shared"),
	NUMBER(start, "start", "first byte"),
	NUMBER(end, "end", "last byte; 2^64 - 1: up to the end"),
	NUMBER(pid, "pid", "who took it, as the kernel says; -1: unknown"),
	END
};
#undef R

#define R struct via_futex
static const struct via__field futex[] = {
	INDEX_NEEDED(object, "object", VIA__OBJECTS, "which"),
	WORD(use, "use", via__futex_word, "as what it is used"),
	INDEX(memory, "memory", VIA__OBJECTS, "where it lies"),
	NUMBER(value, "value", "its word"),
	NUMBER(address, "address", "where it is for who waits"),
	NUMBER(owner, "owner", "tid of who has it"),
	NUMBER(owner_dead, "owner_dead", "1: that one has died"),
	END
};
#undef R

#define R struct via_lane
static const struct via__field lane[] = {
	INDEX_NEEDED(object, "object", VIA__OBJECTS,
		     "of which channel; those of one follow each other"),
	INDEX(sender, "sender", VIA__PROCESSES, "who sends"),
	INDEX(receiver, "receiver", VIA__PROCESSES, "who receives"),
	NUMBER(put, "put", "bytes sent ever"),
	NUMBER(taken, "taken", "bytes received ever"),
	NUMBER(ring, "ring", "bytes that have room"),
	NUMBER(known, "known", "1: put and taken are known"),
	NUMBER(sender_sleeps, "sender_sleeps",
	       "how often the sender went to sleep"),
	NUMBER(receiver_sleeps, "receiver_sleeps",
	       "how often the receiver went to sleep"),
	END
};
#undef R
/* clang-format on */

#define RECORD(name, type, array_, text)                                       \
	{                                                                      \
#array_, text, name, sizeof(struct type),                      \
			offsetof(struct via_snapshot, array_),                 \
			offsetof(struct via_snapshot, n_##array_)              \
	}

const struct via__record via__records[VIA__N_RECORDS] = {
	[VIA__PROCESSES] = RECORD(process, via_process, processes,
				  "the processes, by pid"),
	[VIA__THREADS] = RECORD(thread, via_thread, threads,
				"their threads, if waits were looked at"),
	[VIA__OBJECTS] = RECORD(object, via_object, objects,
				"what is held and waited for"),
	[VIA__HOLDS] = RECORD(hold, via_holding, holds, "who has what"),
	[VIA__WAITS] = RECORD(wait, via_wait, waits,
			      "what would end the wait of a thread"),
	[VIA__LINKS] = RECORD(link, via_link, links,
			      "how two objects belong together"),
	[VIA__SOCKETS] = RECORD(socket, via_socket, sockets,
				"more about objects that are sockets"),
	[VIA__IPCS] = RECORD(ipc, via_ipc, ipcs,
			     "more about those of System V and POSIX IPC"),
	[VIA__SEMAPHORES] = RECORD(semaphore, via_semaphore, semaphores,
				   "those of System V sets"),
	[VIA__LOCKS] = RECORD(lock, via_file_lock, locks,
			      "more about locks on files"),
	[VIA__FUTEXES] = RECORD(futex, via_futex, futexes,
				"more about futexes"),
	[VIA__LANES] = RECORD(lane, via_lane, lanes,
			      "more about via's shared memory"),
};

const struct via__record via__sight_record = {
	.name = "sight",
	.help = "what was looked at, and what was not let",
	.fields = sight,
	.size = sizeof(struct via_sight),
	.array = offsetof(struct via_snapshot, sight),
};

/* --- Access --- */

uint64_t via__field_get(const struct via__field *f, const void *record,
			size_t i)
{
	const char *at = (const char *)record + f->offset + i * f->size;
	uint64_t u64;
	uint32_t u32;

	switch (f->size) {
	case 1:
		return (unsigned char)*at;
	case 4:
		memcpy(&u32, at, sizeof(u32));
		return f->is_signed ? (uint64_t)(int64_t)(int32_t)u32 : u32;
	default:
		memcpy(&u64, at, sizeof(u64));
		return u64;
	}
}

static void put(const struct via__field *f, void *record, size_t i,
		uint64_t value)
{
	char *at = (char *)record + f->offset + i * f->size;
	uint32_t u32 = (uint32_t)value;

	if (f->size == 1)
		*at = (char)value;
	else if (f->size == 4)
		memcpy(at, &u32, sizeof(u32));
	else
		memcpy(at, &value, sizeof(value));
}

bool via__field_set(const struct via__field *f, void *record, size_t i,
		    uint64_t value, bool negative)
{
	unsigned int bits = 8 * (unsigned int)f->size - f->is_signed;
	uint64_t beyond = negative ? ~value : value;

	if ((negative && !f->is_signed) || (bits < 64 && beyond >> bits))
		return false;
	put(f, record, i, value);
	return true;
}

void via__record_clear(const struct via__record *r, void *record)
{
	memset(record, 0, r->size);
	for (const struct via__field *f = r->fields; f->key; f++)
		if (f->type != VIA__CHARS && f->n == 1)
			put(f, record, 0, (uint64_t)f->none);
}
