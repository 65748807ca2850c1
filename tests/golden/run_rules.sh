#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Golden tests of `xdp-auditor test`: each rule-test/NAME.yaml has either NAME.ok, what running it
# prints, whether its tests pass or fail, or NAME.err, what is wrong with the file.
#
#	run_rules.sh [--update] XDP_AUDITOR
#
# --update writes the files instead of comparing: review the difference before you commit it.
set -u

update=false
if [ "${1-}" = --update ]; then
	update=true
	shift
fi
if [ $# -ne 1 ] || ! program=$(realpath -e -- "$1"); then
	echo "usage: ${0##*/} [--update] XDP_AUDITOR" >&2
	exit 2
fi
cd "$(dirname -- "$0")/rule-test" || exit 1
out=$(mktemp -d) || exit 1
trap 'rm -rf -- "$out"' EXIT
trap 'exit 1' HUP INT TERM

passed=0
failed=0
fail() {
	echo "FAIL $1: $2"
	failed=$((failed + 1))
}

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
		passed=$((passed + 1))
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
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
