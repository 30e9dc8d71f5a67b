/* SPDX-License-Identifier: MIT */
/* The columns of via ps, as ps(1) has them and beyond. */
#ifndef INSPECT_VIEW_CELLS_PS_H
#define INSPECT_VIEW_CELLS_PS_H

#include "inspect/view/cells.h"

via__number via__ps_tid, via__ps_ppid, via__ps_pgid, via__ps_sid, via__ps_tpgid,
	via__ps_vsz, via__ps_rss, via__ps_started, via__ps_elapsed,
	via__ps_seconds, via__ps_nice, via__ps_threads, via__ps_since_ns;
via__words via__ps_tty, via__ps_cpu, via__ps_mem, via__ps_stat, via__ps_start,
	via__ps_age, via__ps_time, via__ps_exe, via__ps_cwd, via__ps_wchan,
	via__ps_since, via__ps_waits, via__ps_talks, via__ps_command;
via__json via__ps_waits_json, via__ps_talks_json;

#endif
