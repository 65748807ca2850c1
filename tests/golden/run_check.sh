#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Golden tests of what stages refuse: for each check/NAME.yaml, `xdp-auditor check` says what stands
# in NAME.err, and nothing else.
#
#	run_check.sh [--update] XDP_AUDITOR
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
cd "$(dirname -- "$0")/check" || exit 1
out=$(mktemp -d) || exit 1
trap 'rm -rf -- "$out"' EXIT
trap 'exit 1' HUP INT TERM

passed=0
failed=0
fail() {
	echo "FAIL $1: $2"
	failed=$((failed + 1))
}

for file in *.yaml; do
	name=${file%.yaml}
	env -i ${ASAN_OPTIONS+"ASAN_OPTIONS=$ASAN_OPTIONS"} "$program" check -c "$file" >"$out/text" 2>"$out/err"
	code=$?
	! $update || cp -- "$out/err" "$name.err"
	if [ "$code" -ne 78 ] || [ -s "$out/text" ]; then
		fail "$name" "exit code $code, said '$(cat "$out/text")'"
	elif ! diff -u -- "$name.err" "$out/err"; then
		fail "$name" "differs"
	else
		passed=$((passed + 1))
	fi
done
for file in *.err; do
	[ -e "${file%.err}.yaml" ] || fail "$file" "no such case"
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
