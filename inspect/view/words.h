/* SPDX-License-Identifier: MIT */
/* The words for values of via/inspect.h: stable, as scripts read them. "" is
 * beyond the last one. */
#ifndef INSPECT_VIEW_WORDS_H
#define INSPECT_VIEW_WORDS_H

/* Of an enum's value. */
const char *via__kind_word(unsigned int value);
const char *via__op_word(unsigned int value);
const char *via__seen_word(unsigned int value);
const char *via__source_word(unsigned int value);
const char *via__certainty_word(unsigned int value);
const char *via__how_word(unsigned int value);
const char *via__link_word(unsigned int value);
const char *via__lock_word(unsigned int value);
const char *via__futex_word(unsigned int value);
const char *via__socket_state_word(unsigned int value); /* TCP_ESTABLISHED... */

/* Of bit number value. */
const char *via__want_word(unsigned int value);
const char *via__program_word(unsigned int value);
const char *via__hidden_word(unsigned int value);
const char *via__process_flag_word(unsigned int value);
const char *via__thread_flag_word(unsigned int value);
const char *via__object_flag_word(unsigned int value);
const char *via__hold_flag_word(unsigned int value);

#endif
