/* SPDX-License-Identifier: MIT */
/* Signals, over several files: signal.c has the rows. */
#ifndef LAB_SIGNALS_H
#define LAB_SIGNALS_H

#include <stdbool.h>
#include <sys/types.h>

/* signal_handler.c: handlers, and what they interrupt */
void signal_07(void);
void signal_08(void);
void signal_18(void);
void signal_19(void);

/* signal_source.c: where signals come from */
void signal_11(void);
void signal_12(void);
void signal_14(void);
void signal_15(void);
void signal_16(void);

/* signal_cost.c: what is measured */
void signal_13(void);
void signal_20(void);

/* Whether a signal is in a mask of /proc/PID/status: "SigBlk", "ShdPnd". */
bool signal_in(pid_t pid, const char *mask, int sig);

/* Sleep for good. */
_Noreturn void signal_rest(void);

/* sigqueue() with a number as its value. */
int signal_queue(pid_t pid, int sig, int value);

#endif
