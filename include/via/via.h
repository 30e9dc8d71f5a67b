/* SPDX-License-Identifier: MIT */
/* Everything libvia offers. */
#ifndef VIA_VIA_H
#define VIA_VIA_H

#include <via/channel.h>
#include <via/deadline.h>
#include <via/error.h>
#include <via/lock.h>
#include <via/mechanism.h>
#include <via/pipeline.h>
#include <via/process.h>
#include <via/signal.h>
#include <via/supervisor.h>
#include <via/sync.h>
#include <via/timer.h>
#include <via/version.h>

#endif
