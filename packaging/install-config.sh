#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# install-config.sh FILE SYSCONFDIR: installs the configuration where there is none yet. What an
# administrator has written is not overwritten; the shipped file is under the data folder as well.

set -eu
folder=${DESTDIR-}$2/xdp-auditor
[ -e "$folder/xdp-auditor.yaml" ] || install -D -m 0644 -- "$1" "$folder/xdp-auditor.yaml"
