/* SPDX-License-Identifier: MIT */
/* Ranges of files: see record.h. */
#include "sync/named/record.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/syscall.h>

#include "core/error.h"

#ifdef SYS_fcntl64 /* 32 bits: what takes our 64-bit struct flock */
#define SYS_FCNTL SYS_fcntl64
#else
#define SYS_FCNTL SYS_fcntl
#endif

struct via__file_call via__record_call(const struct via__file_lock *f,
				       int command, short type)
{
	struct via__file_call call = {
		.number = SYS_FCNTL,
		.command = command,
		.range = f->range,
	};

	call.range.l_type = type;
	return call;
}

/* Digits at *text; moves it behind them. */
static bool read_offset(const char **text, int64_t *ret)
{
	const char *at = *text;
	int64_t n = 0;

	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, *at - '0', &n))
			return false;
	if (at == *text)
		return false;
	*text = at;
	*ret = n;
	return true;
}

/* "from-to", both inside; "from-" up to the end however the file grows; or one
 * byte. To fcntl(2) a length of 0 is up to the end. */
static int parse_range(const char *text, struct flock *ret,
		       struct via_error *err)
{
	const char *at = text;
	int64_t from, to;
	bool good = read_offset(&at, &from);

	to = from;
	if (good && *at == '-' && *++at == '\0')
		to = INT64_MAX;
	else if (good && at[-1] == '-')
		good = read_offset(&at, &to);
	if (!good || *at || to < from)
		return via__fail(err, -EINVAL,
				 "'#%.40s' is no range of bytes such as #0-99, "
				 "#100- or #5",
				 text);
	ret->l_whence = SEEK_SET;
	ret->l_start = from;
	ret->l_len = to == INT64_MAX ? 0 : to - from + 1;
	return 0;
}

/* The path, without the range, whose '#' is returned; NULL: no range. */
static const char *cut_path(const char *rest, char path[VIA__URL_MAX])
{
	const char *hash = strrchr(rest, '#');
	size_t len = hash ? (size_t)(hash - rest) : strlen(rest);

	memcpy(path, rest, len);
	path[len] = '\0';
	return hash;
}

int via__record_open(struct via__file_lock *f,
		     const struct via__lock_name *name, unsigned int flags,
		     struct via_error *err)
{
	char path[VIA__URL_MAX];
	const char *hash = cut_path(name->url.rest, path);
	int r = hash ? parse_range(hash + 1, &f->range, err) : 0;

	f->records = true;
	return r < 0 ? r : via__file_open(f, path, name, flags, err);
}

int via__record_remove(const struct via__lock_name *name, struct via_error *err)
{
	char path[VIA__URL_MAX];

	(void)cut_path(name->url.rest, path);
	return via__file_unlink(path, err);
}
