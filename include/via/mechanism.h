/* SPDX-License-Identifier: MIT */
/*
 * What each mechanism can do, as data. These rows are the transports' own:
 * the library acts on them, `via mechanisms` prints them, the conformance
 * suite tests by them.
 */
#ifndef VIA_MECHANISM_H
#define VIA_MECHANISM_H

#include <stddef.h>
#include <stdint.h>

#include <via/visibility.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A role, given to via_open(). The receiving side (VIA_RECV, VIA_PUB,
 * VIA_SERVE) binds the name; the other side connects.
 */
enum via_role {
	VIA_SEND = 1,
	VIA_RECV = 2,
	VIA_PUB = 3,
	VIA_SUB = 4,
	VIA_CALL = 5,
	VIA_SERVE = 6,
};

/* Bits of via_mechanism.abilities. */
enum via_ability {
	VIA_CAN_SEND_RECV = 1u << 0,  /* pattern: a queue, many senders */
	VIA_CAN_PUB_SUB = 1u << 1,    /* pattern: each message to all */
	VIA_CAN_CALL_SERVE = 1u << 2, /* pattern: request and reply */
	VIA_CAN_DUPLEX = 1u << 3,   /* VIA_DUPLEX: both directions, one peer */
	VIA_CAN_PAIR = 1u << 4,	    /* via_pair() */
	VIA_CAN_EXPORT = 1u << 5,   /* via_export(): passes over exec */
	VIA_CAN_FORK = 1u << 6,	    /* ends pass over fork() */
	VIA_CAN_RAW = 1u << 7,	    /* ?raw: no framing */
	VIA_CAN_FDS = 1u << 8,	    /* messages carry descriptors */
	VIA_CAN_CREDS = 1u << 9,    /* the kernel tells pid, uid, gid */
	VIA_CAN_LOAN = 1u << 10,    /* loan and take never copy */
	VIA_CAN_CONFIRM = 1u << 11, /* via_close() knows that all was taken */
	VIA_KEEPS_BOUNDARIES = 1u << 12, /* the kernel itself keeps messages
					    apart (also with ?raw) */
	VIA_KEEPS_NAME = 1u << 13,  /* the name stays after the last close */
	VIA_DISTRUSTS = 1u << 14,   /* safe between hostile peers */
	VIA_HAS_ADDRESS = 1u << 15, /* unrelated processes can meet by URL */
};

/* One ?name=value that a mechanism understands. */
struct via_option {
	const char *name;
	const char *value;   /* what to write: "BYTES", "yes|no", "UID,..." */
	const char *initial; /* what holds when it is not given */
	const char *help;    /* one line */
};

/*
 * One mechanism. All strings are constant and never NULL; the row lives as
 * long as the library. Later releases append members: do not copy by value.
 */
struct via_mechanism {
	const char *scheme;   /* "unix": names the man page via-unix(7) too */
	const char *rest;     /* what follows the colon: "/path or @name" */
	const char *summary;  /* one line */
	const char *example;  /* a complete URL */
	const char *trust;    /* who is kept out: "file mode", "network" */
	const char *life;     /* what ends it: "last close", "name stays" */
	const char *needs;    /* kernel or privilege beyond Linux 5.10; "" */
	uint32_t abilities;   /* enum via_ability */
	uint64_t message_max; /* bytes; what ?max= can be raised to */
	const struct via_option *options; /* ends with a NULL name */
};

/*
 * The i-th mechanism, in the order of `via mechanisms`; NULL when i is past
 * the last. Never blocks or allocates.
 */
VIA_API const struct via_mechanism *via_mechanism_at(size_t i);

/* The mechanism of this scheme ("unix", no colon), or NULL. */
VIA_API const struct via_mechanism *via_mechanism_find(const char *scheme);

/* The options every mechanism understands; ends with a NULL name. */
VIA_API const struct via_option *via_common_options(void);

/*
 * Whether this machine can do it: 0, or a negative errno value when the
 * kernel or a limit forbids (-EOPNOTSUPP, -EPERM, ...). May make a few system
 * calls; leaves nothing behind.
 */
VIA_API int via_mechanism_probe(const struct via_mechanism *m);

#ifdef __cplusplus
}
#endif

#endif
