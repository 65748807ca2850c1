#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Golden tests of `xdp-auditor test`: each rule-test/NAME.yaml has either NAME.ok, what running it
# prints, whether its tests pass or fail, or NAME.err, what is wrong with the file.
#
#	run_rules.sh [--update] XDP_AUDITOR

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "$0")/lib.sh"
begin rule-test "$@"

# same FILE OTHER: what was made is what is kept, or is kept from now on; OTHER is not to be there.
same() {
	if $update; then
		cp -- "$out/text" "$1"
		rm -f -- "$2"
	fi
	if [ -e "$2" ]; then
		fail "$1" "there is a $2"
	elif ! diff -u -- "$1" "$out/text" >"$out/diff" 2>&1; then
		fail "$1" "differs"
		cat "$out/diff"
	else
		pass
	fi
}

for file in *.yaml; do
	name=${file%.yaml}
	env -i ${ASAN_OPTIONS+"ASAN_OPTIONS=$ASAN_OPTIONS"} "$program" test "$file" >"$out/text" 2>"$out/err"
	code=$?
	last=$(tail -n 1 "$out/text")
	case $code:$last in
	"0:"*" passed, 0 failed" | "1:"*" passed, "[1-9]*" failed")
		[ ! -s "$out/err" ] || fail "$name" "wrote to standard error: $(cat "$out/err")"
		same "$name.ok" "$name.err"
		;;
	"78:0 passed, 0 failed")
		cp -- "$out/err" "$out/text"
		same "$name.err" "$name.ok"
		;;
	*) fail "$name" "exit code $code, said '$last': $(cat "$out/err")" ;;
	esac
done
for file in *.ok *.err; do
	[ -e "${file%.*}.yaml" ] || fail "$file" "no such case"
done
finish
