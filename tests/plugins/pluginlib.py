# SPDX-License-Identifier: GPL-2.0-or-later
"""The descriptor of a plugin, read from its shared object as the worker reads it."""

import ctypes
import pathlib
import re


class Descriptor(ctypes.Structure):
    """struct xa_plugin."""

    _fields_ = [
        ("abi", ctypes.c_uint32),
        ("size", ctypes.c_uint32),
        ("name", ctypes.c_char_p),
        ("help", ctypes.c_char_p),
        ("options", ctypes.c_void_p),
        ("option_count", ctypes.c_size_t),
        ("open", ctypes.c_void_p),
        ("run", ctypes.c_void_p),
        ("close", ctypes.c_void_p),
        ("save", ctypes.c_void_p),
    ]


def abi_of(header):
    text = pathlib.Path(header).read_text()
    return int(re.search(r"^#define XA_PLUGIN_ABI (\d+)$", text, re.M).group(1))


def descriptor(path):
    return Descriptor.in_dll(ctypes.CDLL(str(path)), "xa_plugin")


def is_sanitized(path):
    """Does it want a sanitizer's runtime, which Python has not loaded?"""
    return bool(re.search(rb"__(asan|ubsan|tsan|msan)_", pathlib.Path(path).read_bytes()))


def faults_of(path, abi):
    """What is wrong with the plugin at `path`, which is named as its file is."""
    plugin = descriptor(path)
    wanted = {
        "abi": (plugin.abi, abi),
        "size": (plugin.size, ctypes.sizeof(Descriptor)),
        "name": (plugin.name.decode(), pathlib.Path(path).stem),
        "help": (bool(plugin.help), True),
        "callbacks": (bool(plugin.open and plugin.run and plugin.close), True),
    }
    return [f"{key} is {has!r}, not {right!r}" for key, (has, right) in wanted.items() if has != right]
