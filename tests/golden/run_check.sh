#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Golden tests of what stages refuse: for each check/NAME.yaml, `xdp-auditor check` says what stands
# in NAME.err, and nothing else.
#
#	run_check.sh [--update] XDP_AUDITOR

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "$0")/lib.sh"
begin check "$@"

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
		pass
	fi
done
for file in *.err; do
	[ -e "${file%.err}.yaml" ] || fail "$file" "no such case"
done
finish
