#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What `meson install` puts in place is enough for a program outside the tree.

setup_file() {
	export root=$BATS_FILE_TMPDIR/root
	meson install -C "$BUILD" --no-rebuild --quiet --destdir "$root"
	pc=$(find "$root" -name libvia.pc)
	export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_PATH=${pc%/*}
	export LD_LIBRARY_PATH=${pc%/pkgconfig/*}
	cp "$SOURCE/examples/talk.c" "$SOURCE/tests/install/pipes.c" \
		"$BATS_FILE_TMPDIR"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	prefix=$root$PREFIX
}

talk() {
	./talk unix:here >heard &
	./talk unix:here 'hello, you'
	wait $!
	[ "$(cat heard)" = 'hello, you' ]
}

@test "everything is in its place" {
	for file in bin/via include/via/via.h share/man/man1/via.1 \
		share/man/man7/via.7 share/man/man3/via_open.3 \
		include/via/inspect.h share/man/man5/via-inspect.5 \
		share/man/man3/libvia-inspect.3 \
		share/bash-completion/completions/via \
		share/zsh/site-functions/_via \
		share/fish/vendor_completions.d/via.fish; do
		[ -s "$prefix/$file" ] || { echo "no $file"; false; }
	done
	for file in libvia.so libvia.so.0 libvia.a libvia-inspect.so \
		libvia-inspect.so.0 libvia-inspect.a; do
		[ -s "$LD_LIBRARY_PATH/$file" ] || { echo "no $file"; false; }
	done
}

@test "the command runs" {
	"$prefix/bin/via" version
}

@test "a program compiles and talks" {
	# shellcheck disable=SC2046
	$CC -Wall -Werror -o talk "$BATS_FILE_TMPDIR/talk.c" \
		$(pkg-config --cflags --libs libvia)
	talk
}

@test "a static program compiles and talks" {
	# The linker warns that names of users need shared libraries.
	# shellcheck disable=SC2046
	$CC -Wall -static -o talk "$BATS_FILE_TMPDIR/talk.c" \
		$(pkg-config --static --cflags --libs libvia)
	talk
}

# Its own standard output is a pipe.
sees_itself() {
	ino=$(./pipes | { readlink /proc/self/fd/0 | tr -cd 0-9; cat >seen; })
	grep -q "^pipe 1 $ino\$" seen
}

@test "a program compiles and looks at processes" {
	# shellcheck disable=SC2046
	$CC -Wall -Werror -o pipes "$BATS_FILE_TMPDIR/pipes.c" \
		$(pkg-config --cflags --libs libvia-inspect)
	sees_itself
}

@test "a static program compiles and looks at processes" {
	# Not every distribution has all of these as static libraries.
	static=$(pkg-config --static --libs libvia-inspect) ||
		skip 'needs the pkg-config files of libelf and jansson'
	# shellcheck disable=SC2046,SC2086
	$CC -Wall -static -o pipes "$BATS_FILE_TMPDIR/pipes.c" \
		$(pkg-config --cflags libvia-inspect) $static
	sees_itself
}
