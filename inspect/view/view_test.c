/* SPDX-License-Identifier: MIT */
/* Each view of a made-up machine, to the letter. */
#include "inspect/view/view.h"

#include <string.h>
#include <sys/socket.h>

#include "inspect/model/build.h"
#include "tests/check.h"

#define SECOND INT64_C(1000000000)

/* --- A machine --- */

enum {
	KTHREADD,
	SH,
	CAT,
	GREP,
	SERVER,
	CLIENT
};

static void add_process(struct via_snapshot *s, pid_t pid, pid_t ppid,
			const char *comm, uid_t uid)
{
	struct via_process *p = via__add_process(s);

	p->task = (struct via_task){
		.pid = pid,
		.tid = pid,
		.ppid = ppid,
		.pgid = pid,
		.sid = 100,
		.tty = pid < 200 ? 136 << 8 | 3 : 0,
		.tty_pgid = 101,
		.start = 90000,
		.utime = 300,
		.stime = 100,
		.n_threads = 1,
		.state = 'S',
		.vsize = 8192 * 1024,
		.rss = 1024 * 1024,
	};
	snprintf(p->task.comm, sizeof(p->task.comm), "%s", comm);
	p->uid = p->euid = uid;
	p->command = via__text_of(s, comm);
}

static struct via_holding *hold(struct via_snapshot *s, uint32_t process,
				uint32_t object, enum via_how how, int id,
				const char *mode)
{
	struct via_holding *h = via__add_hold(s, process, object, how);

	h->id = id;
	for (; *mode; mode++)
		h->flags |= *mode == 'r'   ? VIA_HOLD_READ
			    : *mode == 'w' ? VIA_HOLD_WRITE
					   : VIA_HOLD_SHARED;
	return h;
}

static uint32_t object(struct via_snapshot *s, enum via_kind kind, uint64_t ino,
		       const char *name)
{
	uint32_t o = via__object(s, kind, 0, ino, 0);

	s->objects[o].name = via__text_of(s, name);
	return o;
}

static void add_pipeline(struct via_snapshot *s)
{
	uint32_t pipe = object(s, VIA_KIND_PIPE, 4242, ""),
		 pty = object(s, VIA_KIND_PTY, 3, ""),
		 file = object(s, VIA_KIND_FILE, 7, "/etc/passwd"),
		 own = object(s, VIA_KIND_PIPE, 4300, "");

	s->objects[pipe].level = s->objects[pipe].capacity = 65536;
	for (uint32_t p = SH; p <= GREP; p++)
		for (int fd = 0; fd < 3; fd++)
			if ((p != CAT || fd != 1) && (p != GREP || fd))
				hold(s, p, pty, VIA_HOLDS_FD, fd, "rw");
	hold(s, CAT, pipe, VIA_HOLDS_FD, 1, "w");
	hold(s, CAT, file, VIA_HOLDS_FD, 3, "r")->start = 5;
	hold(s, GREP, pipe, VIA_HOLDS_FD, 0, "r");
	hold(s, SH, own, VIA_HOLDS_FD, 10, "r");
	hold(s, SH, own, VIA_HOLDS_FD, 11, "w");
	struct via_wait *w = via__add_wait(s, 1, VIA_OP_WRITE);

	w->object = pipe;
	w->fd = 1;
	w = via__add_wait(s, 0, VIA_OP_CHILD);
	w->on_process = CAT;
	w = via__add_wait(s, 0, VIA_OP_CHILD);
	w->on_process = GREP;
}

static void add_sockets(struct via_snapshot *s)
{
	uint32_t listener = object(s, VIA_KIND_UNIX, 49, "/run/x.sock"),
		 client = object(s, VIA_KIND_UNIX, 51, ""),
		 server = object(s, VIA_KIND_UNIX, 50, "/run/x.sock"),
		 web = object(s, VIA_KIND_TCP, 60, "");

	via__peers(s, server, client);
	s->objects[listener].flags = VIA_OBJECT_LISTENS;
	s->objects[listener].level = 0;
	s->objects[listener].capacity = 128;
	s->objects[server].level = 1536;
	*via__socket(s, listener) = (struct via_socket){
		listener,      AF_UNIX,	       SOCK_STREAM,
		.state = 10,   .uid = 33,      .send = 128,
		.file_dev = 5, .file_ino = 77, .receive_max = VIA_UNKNOWN};
	via__socket(s, server)->state = 1;
	s->sockets[1].receive = 1536;
	*via__socket(s, web) =
		(struct via_socket){web,
				    AF_INET,
				    SOCK_STREAM,
				    .state = 1,
				    .uid = 1000,
				    .local = via__text_of(s, "127.0.0.1:5000"),
				    .remote = via__text_of(s, "192.0.2.1:80"),
				    .sent = 77};
	s->objects[web].flags = VIA_OBJECT_REMOTE;
	hold(s, SERVER, listener, VIA_HOLDS_FD, 3, "rw");
	hold(s, SERVER, server, VIA_HOLDS_FD, 4, "rw");
	hold(s, CLIENT, client, VIA_HOLDS_FD, 3, "rw");
	hold(s, CLIENT, web, VIA_HOLDS_FD, 5, "rw");
}

static void add_memory(struct via_snapshot *s)
{
	uint32_t sysv = object(s, VIA_KIND_SYSVSHM, 5, ""),
		 shm = object(s, VIA_KIND_POSIXSHM, 8, "/dev/shm/s"),
		 mapped = object(s, VIA_KIND_FILE, 9, "/var/db");

	*via__ipc(s, sysv) = (struct via_ipc){
		.object = sysv,
		.key = 0x1234,
		.id = 5,
		.uid = 33,
		.mode = 0600,
		.creator = 200,
		.size = 4096,
		.resident = VIA_UNKNOWN,
		.n_attached = 0,
		.made = VIA_UNKNOWN,
		.changed = 1000000 - 3723,
		.n_messages = VIA_UNKNOWN,
		.message_max = VIA_UNKNOWN,
	};
	via__ipc(s, shm)->size = 1 << 20;
	hold(s, SERVER, shm, VIA_HOLDS_MAP, 0, "rws")->start = 0x7000;
	hold(s, SERVER, mapped, VIA_HOLDS_MAP, 0, "rws");
	hold(s, CLIENT, mapped, VIA_HOLDS_MAP, 0, "rs");
}

static struct via_snapshot *machine(void)
{
	struct via_snapshot *s = via__snapshot_new();

	s->sight.taken = 1000000;
	s->sight.boot_ticks = 100000;
	s->sight.ticks_per_s = 100;
	s->sight.memory = 64 << 20;
	add_process(s, 2, 0, "kthreadd", 0);
	s->processes[0].flags = VIA_PROCESS_KERNEL;
	add_process(s, 100, 1, "sh", 1000);
	add_process(s, 101, 100, "cat", 1000);
	add_process(s, 102, 100, "grep", 1000);
	add_process(s, 200, 1, "server", 33);
	add_process(s, 201, 1, "client\033", 1000);
	for (uint32_t p = SH; p <= CLIENT; p++) {
		struct via_thread *t = via__add_thread(s, p);

		t->tid = s->processes[p].task.pid;
		t->comm = via__text_of(s, s->processes[p].task.comm);
		t->state = 'S';
		t->since_ns = 5 * SECOND + SECOND / 4;
	}
	struct via_thread *second = via__add_thread(s, CLIENT);

	second->tid = 202;
	second->comm = via__text_of(s, "worker");
	second->state = 'R';
	add_pipeline(s);
	add_sockets(s);
	add_memory(s);
	via__add_link(s, via_snapshot_object(s, VIA_KIND_PIPE, 0, 4242, 0),
		      via_snapshot_object(s, VIA_KIND_UNIX, 0, 51, 0),
		      VIA_LINK_IN_FLIGHT)
		->events = VIA_HOLD_READ;
	assert_int_equal(via__seal(s), 0);
	return s;
}

/* --- A view as text: "A|B", items split by ';' --- */

static void print_line(FILE *f, const struct via__view *view,
		       const struct via__show *show,
		       const struct via__line *line, const char *columns)
{
	char cell[4096];

	while (*columns) {
		size_t len = strcspn(columns, ",");
		const struct via__column *c = via__column_find(view, columns,
							       len);

		assert_non_null(c);
		via__cell(show, c, line, cell, sizeof(cell));
		for (char *at = cell; (at = strchr(at, '\n'));)
			*at = ';';
		columns += len + (columns[len] == ',');
		fprintf(f, "%s%s", cell, *columns ? "|" : "\n");
	}
}

static void expect(const struct via__view *view, struct via__show *show,
		   const char *columns, const char *want)
{
	static const struct via__filter none;
	struct via_snapshot *s = machine();
	struct via__lines lines = {0};
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	show->s = s;
	show->filter = show->filter ? show->filter : &none;
	view->lines(show, &lines);
	assert_false(lines.failed);
	for (uint32_t i = 0; i < lines.n; i++)
		print_line(f, view, show, &lines.line[i], columns);
	fclose(f);
	assert_string_equal(text, want);
	free(text);
	via__lines_free(&lines);
	via_snapshot_free(s);
}

static void expect_words(const struct via__view *view, const char *word,
			 const char *columns, const char *want)
{
	const struct via__filter filter = {.words = {&word, 1}};
	struct via__show show = {.filter = &filter};

	expect(view, &show, columns, want);
}

/* --- Tests --- */

static void objects_are_what_is_shared(void **state)
{
	struct via__show show = {0};

	(void)state;
	expect(&via__view_objects, &show, via__view_objects.initial,
	       "file|/var/db||"
	       "|200,server,map-rw;201,client\\x1b,map-r\n"
	       "pipe|[4242]|64K/64K|101,cat write 5.2s|101,cat,1w;102,grep,0r;"
	       "in flight in unix:[51],r\n"
	       "unix|/run/x.sock|0/128||200,server,3rw\n"
	       "unix|/run/x.sock|1.5K||200,server,4rw;201,client\\x1b,3rw\n"
	       "tcp|127.0.0.1:5000->192.0.2.1:80|||201,client\\x1b,5rw\n"
	       "sysvshm|5|||\n"
	       "posixshm|/s|||200,server,map-rw\n"
	       "pty|/dev/pts/3|||100,sh,0rw,1rw,2rw;101,cat,0rw,2rw;"
	       "102,grep,1rw,2rw\n");
	show.all = true;
	show.exact = true;
	show.items_max = 1;
	expect(&via__view_objects, &show, "OBJECT,LEVEL,STATE,PROCESSES,ENDS",
	       "file:/etc/passwd|||1|101,cat,3r\n"
	       "file:/var/db|||2|200,server,map-rw;and 1 more\n"
	       "pipe:[4242]|65536/65536|full|2|101,cat,1w;and 2 more\n"
	       "pipe:[4300]|||1|100,sh,10r,11w\n"
	       "unix:/run/x.sock|0/128|listen|1|200,server,3rw\n"
	       "unix:/run/x.sock|1536|established|2|200,server,4rw;and 1 "
	       "more\n"
	       "tcp:127.0.0.1:5000->192.0.2.1:80||established|1|"
	       "201,client\\x1b,5rw\n"
	       "sysvshm:5|||0|\n"
	       "posixshm:/s|||1|200,server,map-rw\n"
	       "pty:/dev/pts/3|||3|100,sh,0rw,1rw,2rw;and 2 more\n");
}

static void words_choose_objects(void **state)
{
	static const struct {
		const char *word, *want;
	} cases[] = {
		{"pipe:[4242]", "pipe:[4242]\n"},
		{"pipe:", "pipe:[4242]\npipe:[4300]\n"},
		{"[4242]", "pipe:[4242]\n"},
		{"/run/x.sock", "unix:/run/x.sock\nunix:/run/x.sock\n"},
		{"unix:[51]", "unix:/run/x.sock\n"},
		{"tcp::80", "tcp:127.0.0.1:5000->192.0.2.1:80\n"},
		{"tcp::8", ""},
		{"tcp:127.0.0.1:5000", "tcp:127.0.0.1:5000->192.0.2.1:80\n"},
		{"/etc/passwd", "file:/etc/passwd\n"},
		{"file:/var/db", "file:/var/db\n"},
		{"/dev/shm/s", "posixshm:/s\n"},
		{"101", "pipe:[4242]\npty:/dev/pts/3\n"},
		{"grep", "pipe:[4242]\npty:/dev/pts/3\n"},
		{"x.so", "unix:/run/x.sock\nunix:/run/x.sock\n"},
		{"4242", ""},
		{"sysvshm:5", "sysvshm:5\n"},
		{"", "file:/var/db\npipe:[4242]\npipe:[4300]\n"
		     "unix:/run/x.sock\nunix:/run/x.sock\n"
		     "tcp:127.0.0.1:5000->192.0.2.1:80\nsysvshm:5\n"
		     "posixshm:/s\npty:/dev/pts/3\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		expect_words(&via__view_objects, cases[i].word, "OBJECT",
			     cases[i].want);
}

static void paths_choose_objects(void **state)
{
	static const struct via__file file = {0, 7}, path = {5, 77},
				      pipe = {0, 4242};
	static const char *const word[] = {"./x"};
	struct via__filter filter = {.words = {word, 1}, .files = &file};
	struct via__show show = {.filter = &filter};

	(void)state;
	expect(&via__view_objects, &show, "OBJECT", "file:/etc/passwd\n");
	expect(&via__view_processes, &show, "PID", "101\n");
	filter.files = &path;
	expect(&via__view_objects, &show, "OBJECT", "unix:/run/x.sock\n");
	filter.files = &pipe;
	expect(&via__view_objects, &show, "OBJECT", "");
}

static void options_choose_objects(void **state)
{
	static const char *const full[] = {"full"},
				 *const listen[] = {"listen"},
				 *const unused[] = {"unused"},
				 *const waited[] = {"waited", "listens"};
	static const pid_t pid = 201;
	static const uid_t uid = 33;
	static const struct {
		struct via__filter filter;
		const char *want;
	} cases[] = {
		{{.states = {full, 1}}, "pipe:[4242]\n"},
		{{.states = {listen, 1}}, "unix:/run/x.sock\n"},
		{{.states = {unused, 1}}, "sysvshm:5\n"},
		{{.states = {waited, 2}}, "pipe:[4242]\nunix:/run/x.sock\n"},
		{{.kinds = 1 << VIA_KIND_MQ | 1 << VIA_KIND_SYSVSHM},
		 "sysvshm:5\n"},
		{{.kinds = 1 << VIA_KIND_FILE},
		 "file:/etc/passwd\nfile:/var/db\n"},
		{{.pids = &pid, .n_pids = 1, .kinds = 1 << VIA_KIND_UNIX},
		 "unix:/run/x.sock\n"},
		{{.uids = &uid, .n_uids = 1, .kinds = 1 << VIA_KIND_SYSVSHM},
		 "sysvshm:5\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct via__show show = {.filter = &cases[i].filter};

		expect(&via__view_objects, &show, "OBJECT", cases[i].want);
	}
}

static void descriptors_as_lsof(void **state)
{
	static const pid_t pids[] = {101, 201};
	static const struct via__filter filter = {.pids = pids, .n_pids = 2};
	struct via__show show = {.filter = &filter};

	(void)state;
	expect(&via__view_fds, &show, "COMM,PID,USER,FD,KIND,NAME,PEER,OFFSET",
	       "cat|101|1000|0rw|pty|/dev/pts/3||\n"
	       "cat|101|1000|2rw|pty|/dev/pts/3||\n"
	       "cat|101|1000|1w|pipe|[4242]||\n"
	       "cat|101|1000|3r|file|/etc/passwd||5\n"
	       "client\\x1b|201|1000|3rw|unix|[51]|unix:/run/x.sock|\n"
	       "client\\x1b|201|1000|5rw|tcp|127.0.0.1:5000->192.0.2.1:80||\n");
	show.all = true;
	expect_words(&via__view_fds, "/var/db", "PID,FD,NAME,FLAGS",
		     "200|map-rw|/var/db|read,write,shared\n"
		     "201|map-r|/var/db|read,shared\n");
}

static void sockets_as_ss(void **state)
{
	struct via__show show = {0};

	(void)state;
	expect(&via__view_net, &show, via__view_net.initial,
	       "unix|stream|listen|0|128|/run/x.sock||33|200,server,3rw\n"
	       "unix||||" /* nothing known */
	       "|[51]|/run/x.sock|1000|201,client\\x1b,3rw\n"
	       "unix||established|1536||/run/x.sock|[51]|0|200,server,4rw\n"
	       "tcp|stream|established|0|0|127.0.0.1:5000|192.0.2.1:80|1000|"
	       "201,client\\x1b,5rw\n");
}

static void ipc_as_ipcs(void **state)
{
	struct via__show show = {0};

	(void)state;
	expect(&via__view_ipc, &show, via__view_ipc.initial,
	       "sysvshm|0x00001234|5|33|600|4K||0|unused|200||1h02m\n"
	       "posixshm||/s|0|000|1M||||||\n");
	expect(&via__view_usage, &show, "KIND,OBJECTS,HOLDS,UNUSED,LEVEL,SIZE",
	       "file|2|3|||\n"
	       "pipe|2|4||65536|\n"
	       "unix|3|3||1536|\n"
	       "tcp|1|1|||\n"
	       "sysvshm|1|0|1||4096\n"
	       "posixshm|1|1|0||1048576\n"
	       "pty|1|7|||\n");
}

static void a_tree_of_who_shares_what(void **state)
{
	static const char *const words[] = {"pipe:", "unix:"};
	static const struct via__filter filter = {.words = {words, 2}};
	struct via__show show = {.filter = &filter, .tree = true};

	(void)state;
	expect(&via__view_tree, &show, "NAME,FD,WAITS",
	       "100,sh||\n"
	       "pipe:[4300]|10r|\n"
	       "101,cat||\n"
	       "pipe:[4242]|1w|101,cat write 5.2s\n"
	       "102,grep,0r||\n"
	       "102,grep||\n"
	       "pipe:[4242]|0r|101,cat write 5.2s\n"
	       "101,cat,1w||\n"
	       "200,server||\n"
	       "unix:/run/x.sock|3rw|\n"
	       "unix:/run/x.sock|4rw|\n"
	       "201,client\\x1b,3rw||\n"
	       "201,client\\x1b||\n"
	       "unix:[51]|3rw|\n"
	       "200,server,4rw||\n");
}

static void processes_as_ps(void **state)
{
	struct via__show show = {0};

	(void)state;
	expect(&via__view_processes, &show, via__view_processes.initial,
	       "100|1000|Ss|child 101,cat +1 5.2s||sh\n"
	       "101|1000|S+|write pipe:[4242] 5.2s|pipe:[4242] > 102,grep|"
	       "cat\n"
	       "102|1000|S||pipe:[4242] < 101,cat|grep\n"
	       "200|33|S||unix:/run/x.sock <> 201,client\\x1b;"
	       "file:/var/db > 201,client\\x1b|server\n"
	       "201|1000|S||unix:[51] <> 200,server;"
	       "file:/var/db < 200,server|client\\x1b\n");
	expect_words(
		&via__view_processes, "101",
		"USER,PID,%CPU,%MEM,VSZ,RSS,TTY,STAT,TIME,AGE,PPID,SID,TPGID",
		"1000|101|4.0|1.5|8192|1024|pts/3|S+|0:04|1m40s|100|100|101\n");
	show.all = true;
	show.threads = true;
	expect(&via__view_processes, &show, "PID,TID,COMM,STAT",
	       "2|2|kthreadd|S\n100|100|sh|Ss\n101|101|cat|S+\n"
	       "102|102|grep|S\n200|200|server|S\n201|201|client\\x1b|S\n"
	       "201|202|worker|R\n");
}

static void each_thread_that_waits_has_a_line(void **state)
{
	static const enum via_op ops[] = {VIA_OP_SIGNAL, VIA_OP_TIME,
					  VIA_OP_TIME, VIA_OP_EVENT};
	struct via_snapshot *s = via__snapshot_new();
	const struct via__line line = {0, VIA_NONE, VIA_NONE, VIA_NONE,
				       VIA_NONE};
	struct via__show show = {.s = s};
	const struct via__column *waits = via__column_find(&via__view_processes,
							   "WAITS", 5);
	char cell[256];

	(void)state;
	add_process(s, 300, 1, "four", 1000);
	for (uint32_t i = 0; i < 4; i++) {
		via__add_thread(s, 0)->since_ns = VIA_UNKNOWN;
		via__add_wait(s, i, ops[i]);
	}
	assert_int_equal(via__seal(s), 0);
	assert_string_equal(via__cell(&show, waits, &line, cell, sizeof(cell)),
			    "signal\ntime\nevent");
	show.items_max = 2;
	assert_string_equal(via__cell(&show, waits, &line, cell, sizeof(cell)),
			    "signal\ntime\n...");
	via_snapshot_free(s);
}

static void words_choose_processes(void **state)
{
	static const struct {
		const char *word, *want;
	} cases[] = {
		{"pipe:[4242]", "101\n102\n"},
		{"/run/x.sock", "200\n201\n"},
		{"sh", "100\n"},
		{"kthreadd", "2\n"},
		{"20", ""},
		{"re", ""},
	};
	static const char *const waiting[] = {"waiting"};
	static const struct via__filter filter = {.states = {waiting, 1}};
	struct via__show show = {.filter = &filter};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		expect_words(&via__view_processes, cases[i].word, "PID",
			     cases[i].want);
	expect(&via__view_processes, &show, "PID", "100\n101\n");
}

/* Who is below whom, as "pid<parent". */
static char *shape(const struct via_snapshot *s)
{
	static const struct via__filter none;
	const struct via__show show = {
		.s = s, .filter = &none, .all = true, .tree = true};
	struct via__lines lines = {0};
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	via__view_processes.lines(&show, &lines);
	for (uint32_t i = 0; i < lines.n; i++) {
		uint32_t parent = lines.line[i].parent;

		assert_true(parent == VIA_NONE || parent < i);
		fprintf(f, "%d<%d ",
			s->processes[lines.line[i].process].task.pid,
			parent == VIA_NONE
				? 0
				: s->processes[lines.line[parent].process]
					  .task.pid);
	}
	fclose(f);
	via__lines_free(&lines);
	return text;
}

static void processes_as_a_tree(void **state)
{
	struct via_snapshot *s = machine();
	char *text = shape(s);

	(void)state;
	assert_string_equal(text, "2<0 100<0 101<100 102<100 200<0 201<0 ");
	free(text);
	/* A file may say anything: a ring, and something below it. */
	s->processes[SH].task.ppid = 102;
	s->processes[GREP].task.ppid = 101;
	s->processes[SERVER].task.ppid = 102;
	text = shape(s);
	assert_string_equal(text, "2<0 100<0 101<100 102<101 200<102 201<0 ");
	free(text);
	via_snapshot_free(s);
}

static void json_has_numbers_and_lists(void **state)
{
	struct via_snapshot *s = machine();
	static const struct via__filter none;
	const struct via__show show = {.s = s, .filter = &none};
	const struct via__line line = {VIA_NONE, VIA_NONE, VIA_NONE, 0,
				       VIA_NONE};
	static const struct {
		const char *column, *want;
	} cases[] = {
		{"NAME", "\"[4242]\""},
		{"LEVEL", "65536"},
		{"PEER", "null"},
		{"SINCE", "5250000000"},
		{"IN-FLIGHT", "[{\"socket\": \"unix:[51]\", "
			      "\"ino\": 51, \"read\": true, "
			      "\"write\": false}]"},
		{"WAITS", "[{\"pid\": 101, \"tid\": 101, \"comm\": \"cat\", "
			  "\"op\": \"write\", \"object\": \"pipe:[4242]\", "
			  "\"fd\": 1, \"since_ns\": 5250000000}]"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		json_t *value = via__cell_json(
			&show,
			via__column_find(&via__view_objects, cases[i].column,
					 strlen(cases[i].column)),
			&line);
		char *text = json_dumps(value, JSON_ENCODE_ANY);

		assert_string_equal(text, cases[i].want);
		free(text);
		json_decref(value);
	}
	via_snapshot_free(s);
}

/* Whatever a view's table says works on every line it makes. */
static void every_column_of_every_view(void **state)
{
	static const struct via__view *const views[] = {
#define VIEW(name) &via__view_##name,
#include "inspect/view/views.def"
#undef VIEW
	};
	static const struct via__filter none;
	struct via_snapshot *s = machine();
	char cell[4096];

	(void)state;
	for (size_t v = 0; v < sizeof(views) / sizeof(*views); v++) {
		const struct via__show show = {
			.s = s, .filter = &none, .all = true};
		struct via__lines lines = {0};

		views[v]->lines(&show, &lines);
		assert_true(lines.n > 0);
		for (const struct via__column *c = views[v]->columns; c->name;
		     c++) {
			assert_true(c->help && *c->help);
			for (uint32_t i = 0; i < lines.n; i++) {
				json_t *value = via__cell_json(&show, c,
							       &lines.line[i]);

				assert_non_null(value);
				json_decref(value);
				via__cell(&show, c, &lines.line[i], cell,
					  sizeof(cell));
			}
		}
		via__lines_free(&lines);
	}
	via_snapshot_free(s);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(objects_are_what_is_shared),
	CHECK_TEST(words_choose_objects),
	CHECK_TEST(paths_choose_objects),
	CHECK_TEST(options_choose_objects),
	CHECK_TEST(descriptors_as_lsof),
	CHECK_TEST(sockets_as_ss),
	CHECK_TEST(ipc_as_ipcs),
	CHECK_TEST(a_tree_of_who_shares_what),
	CHECK_TEST(processes_as_ps),
	CHECK_TEST(each_thread_that_waits_has_a_line),
	CHECK_TEST(words_choose_processes),
	CHECK_TEST(processes_as_a_tree),
	CHECK_TEST(json_has_numbers_and_lists),
	CHECK_TEST(every_column_of_every_view),
};
CHECK_MAIN(tests)
