# SPDX-License-Identifier: GPL-2.0-or-later
"""The plugins that must not hurt are bad in the way that they say, and in no other: one that could
not even be loaded would show nothing of what it does when it runs."""

import pathlib
import re
import sys

import pluginlib

# What is wrong with the descriptor; with all others it is what the callbacks do.
WRONG = {
    "no_symbol": r"undefined symbol: xa_plugin",
    "wrong_abi": r"abi is \d+, not \d+",
    "wrong_name": r"name is 'somebody_else', not 'wrong_name'",
    "wrong_size": r"size is \d+, not \d+",
}


def faults_of(path, abi):
    try:
        return pluginlib.faults_of(path, abi)
    except (OSError, ValueError) as error:
        return [str(error)]


def main():
    root, *paths = sys.argv[1:]
    if any(map(pluginlib.is_sanitized, paths)):
        print("skipped: what a sanitizer adds does not load into Python")
        return 77
    abi = pluginlib.abi_of(f"{root}/plugins/xa_plugin.h")
    failed = 0
    for path in map(pathlib.Path, paths):
        found = faults_of(path, abi)
        wanted = WRONG.get(path.stem)
        if len(found) != bool(wanted) or (wanted and not re.search(wanted, found[0])):
            print(f"{path}: found {found}, not {wanted}")
            failed += 1
    print(f"{len(paths) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
