# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# What the golden tests share. A script of them is called
#
#	NAME.sh [--update] XDP_AUDITOR
#
# --update writes the files instead of comparing: review the difference before you commit it.
set -u

# begin FOLDER ARGUMENT...: goes there, below the script's own folder, and sets $program, $update
# and $out, a scratch folder.
# shellcheck disable=SC2034 # the scripts use them
begin() {
	folder=$1
	shift
	update=false
	if [ "${1-}" = --update ]; then
		update=true
		shift
	fi
	if [ $# -ne 1 ] || ! program=$(realpath -e -- "$1"); then
		echo "usage: ${0##*/} [--update] XDP_AUDITOR" >&2
		exit 2
	fi
	cd "$(dirname -- "$0")/$folder" || exit 1
	out=$(mktemp -d) || exit 1
	trap 'rm -rf -- "$out"' EXIT
	trap 'exit 1' HUP INT TERM
	passed=0
	failed=0
}

pass() {
	passed=$((passed + 1))
}

# fail CASE WHY
fail() {
	echo "FAIL $1: $2"
	failed=$((failed + 1))
}

# The script's last words; its exit code.
finish() {
	echo "$passed passed, $failed failed, 0 skipped"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
