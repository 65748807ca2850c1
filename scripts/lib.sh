# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What run and test share: which packages a machine lacks, how to get them, how to build. Quiet when
# nothing is to do; a step that fails says so in one line, with the tail of its log above it.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

build_packages=(
	clang gcc libbpf-dev libc6-dev libcap-ng-dev libcrypt-dev libelf-dev libgnutls28-dev
	liblua5.4-dev libmicrohttpd-dev libpcap-dev libseccomp-dev libxxhash-dev libyaml-dev linux-libc-dev meson nettle-dev
	ninja-build pkg-config zlib1g-dev
)
build_tools=(bpftool clang gcc meson ninja pkg-config)
build_libraries=(
	gnutls libbpf libcap-ng libcrypt libelf libmicrohttpd libpcap libseccomp libxxhash lua5.4 nettle yaml-0.1
	zlib
)

say()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die()
{
	say "$@"
	exit 1
}

# quietly WHAT COMMAND...: runs it with its output in a log, which is shown only if it fails.
quietly()
{
	local what=$1 log status=0
	shift
	log=$(mktemp)
	"$@" >"$log" 2>&1 </dev/null || status=$?
	if ((status)); then
		tail -n 40 "$log" >&2
		say "failed: $what (exit $status)"
	fi
	rm -f "$log"
	return "$status"
}

# Do Debian's package names hold here? Ubuntu is like it.
has_debian_packages()
{
	local id
	command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || return
	id=$(. /etc/os-release && echo " ${ID-} ${ID_LIKE-} ") 2>/dev/null
	[[ $id == *' debian '* ]]
}

# missing_packages PACKAGE...: those that are not installed, one a line.
missing_packages()
{
	local installed
	# shellcheck disable=SC2016 # dpkg-query expands it
	installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sort -u)
	for package; do
		grep -qxF "installed $package" <<<"$installed" || echo "$package"
	done
}

apt_get()
{
	DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@"
}

apt_install()
{
	apt_get install --yes --no-install-recommends "$@"
}

# Does apt know a package of this name that is more than a name?
has_candidate()
{
	[[ $(LC_ALL=C apt-cache policy "$1" 2>/dev/null) =~ $'\n  Candidate: '[0-9] ]]
}

# Package lists that are there may do; those of a fresh image are not there, and old ones name
# versions that are gone.
apt_install_fresh()
{
	if compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null && apt_install "$@"; then
		return
	fi
	apt_get update && apt_install "$@"
}

# install_packages PACKAGE...: those that are missing.
install_packages()
{
	local missing
	(($#)) || return 0
	mapfile -t missing < <(missing_packages "$@")
	((${#missing[@]})) || return 0
	((EUID == 0)) || die "not root, and these packages are missing: ${missing[*]}"
	say "installing ${missing[*]}"
	quietly "apt-get install ${missing[*]}" apt_install_fresh "${missing[@]}"
}

# Ubuntu's bpftool in the PATH is a wrapper that wants the tools of the very kernel that runs; those
# of any other do as well for what the build asks of them.
find_bpftool()
{
	local tool
	bpftool version >/dev/null 2>&1 && return
	for tool in /usr/lib/linux-tools/*/bpftool /usr/lib/linux-tools-*/bpftool; do
		if "$tool" version >/dev/null 2>&1; then
			PATH=${tool%/*}:$PATH
			return
		fi
	done
	return 1
}

install_bpftool()
{
	find_bpftool && return
	if has_candidate bpftool; then
		install_packages bpftool || return
	else
		install_packages linux-tools-common linux-tools-generic || return
	fi
	find_bpftool || die "bpftool is installed and does not run"
}

missing_tools()
{
	local name
	for name in "${build_tools[@]}"; do
		command -v "$name" >/dev/null || echo "$name"
	done
	command -v pkg-config >/dev/null || return 0
	for name in "${build_libraries[@]}"; do
		pkg-config --exists "$name" || echo "$name (library, with its headers)"
	done
}

require_tools()
{
	local missing
	find_bpftool || true
	missing=$(missing_tools)
	[[ -z $missing ]] && return
	say "this is neither Debian nor Ubuntu; please install what is missing:"
	printf '  %s\n' "${missing//$'\n'/$'\n'  }" >&2
	exit 1
}

# prepare PACKAGE...: what the build needs, and these packages.
prepare()
{
	if has_debian_packages; then
		install_packages "${build_packages[@]}" "$@" && install_bpftool || exit 1
	else
		require_tools
	fi
}

# A folder that another meson or another place of the tree has set up is set up again, with the same
# options. grep, for python may not be there yet when this is asked.
set_up_elsewhere()
{
	! grep -qF "\"source\": \"$root\"" "$1/meson-info/meson-info.json" 2>/dev/null ||
		! meson introspect --buildoptions "$1" >/dev/null 2>&1
}

# build FOLDER MESON-OPTION...: set up once, then compile.
build()
{
	local folder=$1
	shift
	if [[ ! -d $folder/meson-private ]]; then
		say "setting up $folder"
		quietly "meson setup $folder" meson setup "$folder" "$root" "$@" || return
	elif set_up_elsewhere "$folder"; then
		quietly "meson setup --wipe $folder" meson setup --wipe "$folder" "$root" "$@" || return
	fi
	quietly "ninja -C $folder" ninja -C "$folder"
}
