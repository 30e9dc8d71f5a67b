/* SPDX-License-Identifier: MIT */
/*
 * How the macros of lab.h take calls apart. Names are made text in lab.h
 * itself, before the preprocessor has replaced O_NONBLOCK by 04000.
 */
#ifndef LAB_LAB_MACROS_H
#define LAB_LAB_MACROS_H

#include "lab/lab.h"

struct lab__value {
	long long number;
	bool is_number; /* otherwise a pointer */
};

enum lab__style {
	LAB__ERRNO,  /* -1 and errno */
	LAB__NUMBER, /* 0 or the error's number */
};

enum lab__kind {
	LAB__VALUE,
	LAB__ADDRESS,
	LAB__ERROR, /* an errno value, to be shown by its name */
};

/* Keep a call that begins, and how it ended. Errno stays as it is. */
struct lab_call;
struct lab_call *lab__enter(const char *function, const char *arguments,
			    const struct lab__value *values, size_t n);
void lab__leave(struct lab_call *call, struct lab__value result,
		enum lab__style style);

struct lab__claim {
	const char *what, *op, *expected; /* as in the source */
	enum lab__kind kind;
	long long observed, wanted;
	bool held;
};
void lab__expect(const struct lab__claim *claim);
void lab__expect_text(const char *what, const void *bytes, size_t len,
		      const char *expected);

void lab__figure(const char *name, const char *unit, double value);
_Noreturn void lab__skip(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
_Noreturn void lab__stop(const char *function, int error);
pid_t lab__fork(const char *name);
static inline bool lab__is_child(pid_t pid)
{
	return pid == 0;
}

/* What a call failed with, 0 if it did not. */
static inline long long lab__error(long long result)
{
	return result == -1 ? errno : 0;
}

/* Never called: see LAB__EXPECT. */
void lab__vacuous(void)
	__attribute__((error("this expectation cannot be otherwise")));

/* Pointers too, hence the detour. */
#define LAB__LONG(x) ((long long)(uintptr_t)(x))

#define LAB__IS_NUMBER(x)                                                      \
	_Generic((x), _Bool                                                    \
		 : true, char                                                  \
		 : true, signed char                                           \
		 : true, unsigned char                                         \
		 : true, short                                                 \
		 : true, unsigned short                                        \
		 : true, int                                                   \
		 : true, unsigned int                                          \
		 : true, long                                                  \
		 : true, unsigned long                                         \
		 : true, long long                                             \
		 : true, unsigned long long                                    \
		 : true, default                                               \
		 : false)

#define LAB__OF(x)   ((struct lab__value){LAB__LONG(x), LAB__IS_NUMBER(x)})
#define LAB__ITEM(x) LAB__OF(x),

#define LAB__CALL(name, arguments, style, function, ...)                       \
	({                                                                     \
		const struct lab__value lab_values[] = {                       \
			LAB__EACH(LAB__ITEM, ##__VA_ARGS__){0}};               \
		struct lab_call *lab_kept = lab__enter(                        \
			name, arguments, lab_values,                           \
			sizeof(lab_values) / sizeof(*lab_values) - 1);         \
		__auto_type lab_result = function(__VA_ARGS__);                \
		lab__leave(lab_kept, LAB__OF(lab_result), style);              \
		lab_result;                                                    \
	})

#define LAB__MUST(name, failed, error, call)                                   \
	({                                                                     \
		__auto_type lab_result_ = call;                                \
		long long lab_must = LAB__LONG(lab_result_);                   \
		if (lab_must && lab_must == (failed))                          \
			lab__stop(name, error);                                \
		lab_result_;                                                   \
	})

#define LAB__EXPECT(what, op_text, expected_text, kind, seen, op, wish)        \
	do {                                                                   \
		long long lab_seen = LAB__LONG(seen);                          \
		long long lab_wish = LAB__LONG(wish);                          \
		if (__builtin_constant_p(lab_seen op lab_wish))                \
			lab__vacuous();                                        \
		lab__expect(&(struct lab__claim){what, op_text, expected_text, \
						 kind, lab_seen, lab_wish,     \
						 lab_seen op lab_wish});       \
	} while (0)

/* m(a) m(b) ... for up to eight arguments. */
#define LAB__EACH(m, ...)                                                      \
	LAB__PICK(_, ##__VA_ARGS__, LAB__8, LAB__7, LAB__6, LAB__5, LAB__4,    \
		  LAB__3, LAB__2, LAB__1, LAB__0)                              \
	(m, ##__VA_ARGS__)
#define LAB__PICK(_0, _1, _2, _3, _4, _5, _6, _7, _8, name, ...) name
#define LAB__0(m)
#define LAB__1(m, a)	  m(a)
#define LAB__2(m, a, ...) m(a) LAB__1(m, __VA_ARGS__)
#define LAB__3(m, a, ...) m(a) LAB__2(m, __VA_ARGS__)
#define LAB__4(m, a, ...) m(a) LAB__3(m, __VA_ARGS__)
#define LAB__5(m, a, ...) m(a) LAB__4(m, __VA_ARGS__)
#define LAB__6(m, a, ...) m(a) LAB__5(m, __VA_ARGS__)
#define LAB__7(m, a, ...) m(a) LAB__6(m, __VA_ARGS__)
#define LAB__8(m, a, ...) m(a) LAB__7(m, __VA_ARGS__)

#endif
