#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Golden tests of the configuration: each config/NAME.yaml, and each directory config-d/NAME, has
# either NAME.ok, the effective config that it makes, or NAME.err, the diagnostics that it gets. An
# .ok also has to load to itself. Those of directories say where each value stands.
#
#	run_config.sh [--update] XDP_AUDITOR

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "$0")/lib.sh"
begin . "$@"

# With the rights for it `check` attaches to interfaces: not to this machine's.
apart=
[ "$(id -u)" -ne 0 ] || ! unshare --net true 2>/dev/null || apart='unshare --net'

# shellcheck disable=SC2016 # XA_NESTED shows that a variable's value is not expanded again
auditor() {
	$apart env -i XA_NAME=eth7 XA_EMPTY= XA_INTERVAL=5s XA_BAD=nonsense XA_LIST=eth0,eth1 \
		XA_NESTED='${XA_NAME}' XA_INJECT='eth0, mode: hw' XA_BYTES="$(printf 'e\377')" \
		"$program" "$@"
}

# same NAME FILE: what was made is what is kept, or is kept from now on.
same() {
	if $update; then
		cp -- "$out/text" "$2"
	elif [ ! -e "$2" ]; then
		fail "$1" "no $2"
	elif ! diff -u -- "$2" "$out/text" >"$out/diff"; then
		fail "$1" "differs from $2"
		cat "$out/diff"
	fi
}

# check_good NAME PATH OPTION...
check_good() {
	name=$1
	path=$2
	shift 2
	if $update; then
		rm -f -- "$name.err"
	elif [ -e "$name.err" ]; then
		fail "$name" "was accepted, $name.err says it is bad"
		return
	fi
	[ ! -s "$out/text" ] || fail "$name" "config is not silent about a good file"
	auditor config --effective "$@" -c "$path" >"$out/text" || fail "$name" "config: exit code $?"
	same "$name" "$name.ok"
	sed 's/  # .*//' "$name.ok" >"$out/plain"
	auditor config --effective -c "$name.ok" >"$out/text" || fail "$name" "$name.ok: exit code $?"
	diff -u -- "$out/plain" "$out/text" || fail "$name" "$name.ok does not load to itself"
}

check_bad() {
	if $update; then
		rm -f -- "$1.ok"
	elif [ -e "$1.ok" ]; then
		fail "$1" "was refused, $1.ok says it is good"
		cat "$out/text"
		return
	fi
	same "$1" "$1.err"
}

# counted COMMAND...: passed, if it has not called fail.
counted() {
	before=$failed
	"$@"
	[ "$failed" -ne "$before" ] || pass
}

# check_case NAME PATH OPTION...: the options are those of `config --effective`.
check_case() {
	auditor config --effective -c "$2" 2>"$out/text" >"$out/stdout"
	code=$?
	case $code in
	0) check_good "$@" ;;
	78)
		[ ! -s "$out/stdout" ] || fail "$1" "config wrote to standard output"
		check_bad "$1"
		;;
	*) fail "$1" "config: exit code $code" ;;
	esac
	grep -qr '^[{" ]*policy\>' "$2" || check_command "$1" "$2" "$code"
}

# check_command NAME PATH CODE: the command `check` says the same, whatever it says of this machine; of
# stages it says more, for it opens them. What a good file comes to has the hash that it prints, and
# is no change.
check_command() {
	auditor config --effective -c "$2" 2>"$out/stderr" |
		tee "$out/effective" | auditor check -c "$2" --against - 2>"$out/check" >"$out/stdout"
	code=$?
	if [ "$3" -ne 0 ]; then
		[ "$code" -eq "$3" ] || fail "$1" "check ended otherwise than config"
		[ ! -s "$out/stdout" ] || fail "$1" "check wrote to standard output"
		diff -u -- "$1.err" "$out/check" || fail "$1" "check says it otherwise"
		return
	fi
	[ "$code" -eq 0 ] || { [ "$code" -eq 1 ] && grep -q 'interface' "$out/check"; } ||
		fail "$1" "check ended otherwise than config"
	[ "$(head -n 1 "$out/stdout")" = "$2: ok" ] || fail "$1" "check does not say ok"
	grep -q ": $(sha256sum <"$out/effective" | cut -d' ' -f1)\$" "$out/stdout" ||
		fail "$1" "check has another hash than sha256sum"
	[ "$(tail -n 1 "$out/stdout")" = 'a reload would change nothing' ] ||
		fail "$1" "check finds a change against what it comes to"
}

# What a config is held against can be wrong as well, and is named.
check_against() {
	for old in empty_key.yaml nowhere.yaml - ; do
		: | auditor check -c empty.yaml --against "$old" 2>"$out/check" >"$out/stdout"
		[ $? -eq 78 ] || fail "against $old" "was taken"
		[ ! -s "$out/stdout" ] || fail "against $old" "check wrote to standard output"
		grep -q -e "^${old#-}" "$out/check" || fail "against $old" "is not named"
	done
	grep -qx '<stdin>: error: is empty' "$out/check" || fail "against -" "an empty one was taken"
	auditor check -c all_keys.yaml --against empty.yaml --set top_k=7 >"$out/stdout" 2>&1
	grep -qx 'top_k: 50 -> 7 (takes effect at once)' "$out/stdout" ||
		fail "against empty.yaml" "a setting is not the new one's"
}

cd config || exit 1
counted check_against
for file in *.yaml; do
	counted check_case "${file%.yaml}" "$file"
done
for file in *.ok *.err; do
	[ -e "${file%.*}.yaml" ] || fail "$file" "no such case"
done
cd ../config-d || exit 1
for folder in */; do
	counted check_case "${folder%/}" "${folder%/}" --origins
done
for file in *.ok *.err; do
	[ -d "${file%.*}" ] || fail "$file" "no such case"
done
finish
