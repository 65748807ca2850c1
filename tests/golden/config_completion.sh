#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The completion for bash, asked as the shell asks it.
#
#	config_completion.sh XDP_AUDITOR
set -u

program=$(realpath -e -- "$1") || exit 2
root=$(cd "$(dirname -- "$0")/../.." && pwd) || exit 1
# shellcheck source=/dev/null
. "$root/packaging/completion/xdp-auditor" || exit 1

passed=0
failed=0

# offered WORD...: what there is to choose from for the last word, sorted, in one line.
offered()
{
	COMP_WORDS=("$program" "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_xdp_auditor
	printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd ' '
}

# expect WANTED WORD...
expect()
{
	local wanted=$1 got
	shift
	got=$(offered "$@")
	if [[ $got == "$wanted" ]]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAIL %s: offered\n%s\nnot\n%s\n' "$*" "$got" "$wanted"
	fi
}

# sorted WORD...
sorted()
{
	printf '%s\n' "$@" | sort | paste -sd ' '
}

run_options=$(sorted -c --set --log-format --log-level)
mapfile -t keys < <("$program" config --keys)
((${#keys[@]} >= 12)) || failed=$((failed + 1))

expect check che
expect check -c a.yaml che
expect check --against a.yaml che
expect 'replay run' r
expect "$(sorted "${keys[@]/%/=}")" run --set ''
expect "$(sorted "${keys[@]/%/=}")" --set ''
expect 'flows.max=' --set flows.m
expect 'mode=' config --effective --set mo
expect '' run --set mode = d
expect '' run --set mode = ''
expect '' run --set mode =
expect '' run --set = mode =
expect 'mode=' run --set = mo
expect "$(sorted -c --against --set --log-format --log-level)" check -
expect "$run_options" run -
expect "$run_options" -c file replay -
expect '--effective' config --e
expect '--origins' config --effective --o
expect '--schema --set' config --s
expect 'test' te
expect "$(sorted --log-format --log-level)" test -
expect '' test lua/
expect '--version' --v
expect 'debug' --log-level d
expect 'error' --log-level = e
expect 'json logfmt' run --log-format ''
expect 'markdown scdoc' config --reference =
expect 'scdoc' config --reference = s
expect '' run -c ''
expect '' check --config a
expect '' check --against a
expect '--against' check -c a --a

# All commands and options that the help explains are offered somewhere.
mapfile -t commands < <("$program" --help | grep -oE '^(usage:| +) xdp-auditor \[?[a-z]+' | grep -oE '[a-z]+$')
((${#commands[@]} >= 4)) || failed=$((failed + 1))
everything=$(offered '')
for command in "${commands[@]}"; do
	everything+=" $(offered "$command" -)"
done
while read -r option; do
	[[ " $everything " == *" $option "* ]] && passed=$((passed + 1)) && continue
	failed=$((failed + 1))
	echo "FAIL $option is in the help and is never offered"
done < <("$program" --help | sed -n 's/^  \(-., \|    \)\(--[a-z-]*\).*/\2/p' | grep -v -x -e --config | sort -u; printf '%s\n' "${commands[@]}")

echo "$passed passed, $failed failed, 0 skipped"
((failed == 0 && passed > 0))
